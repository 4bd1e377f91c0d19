"""Updates of many devices at once."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from muster_cli.client.rest import Rest

_TIMEOUT_S = 60.0
_BATCHES = "/api/v2/updates/batches"


class Batch(BaseModel):
    """One firmware for many devices; `counts` says how many of them are in each state."""

    id: int
    name: str
    state: str
    firmware_ids: list[int]
    start_at: datetime | None = None
    total: int
    counts: dict[str, int]
    rollback_of: int | None = None
    requested_by: str
    requested_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.state not in {"pending", "in_progress"}

    @property
    def done(self) -> int:
        return self.total - self.counts.get("pending", 0) - self.counts.get("initiated", 0)


class BatchDevice(BaseModel):
    """What became of a device of a batch, and why."""

    device_uid: str
    state: str
    reason: str | None = None
    detail: str | None = None
    session_id: str | None = None
    attempts: int


class SkippedDevice(BaseModel):
    device_uid: str
    reason: str
    detail: str | None = None


class BatchPreview(BaseModel):
    """What a batch would come to: devices that would get the update, and those that would not, by reason."""

    total: int
    pending: int
    skipped: dict[str, int]
    sample: list[SkippedDevice]


class BatchClient(Rest):
    async def create_batch(self, body: Mapping[str, Any]) -> Batch:
        return await self._call(Batch, "POST", _BATCHES, json=body, timeout=_TIMEOUT_S)

    async def preview_batch(self, body: Mapping[str, Any]) -> BatchPreview:
        """What it would come to; nothing is written."""
        return await self._call(
            BatchPreview, "POST", _BATCHES, params={"dry_run": "true"}, json=body, timeout=_TIMEOUT_S
        )

    def batches(self, *, state: str | None = None, limit: int | None = None) -> AsyncIterator[Batch]:
        """The organization's batches, newest first; at most `limit`."""
        params = {"state": state}
        return self._items(Batch, _BATCHES, params, limit=limit)

    async def batch(self, batch_id: int) -> Batch:
        return await self._call(Batch, "GET", f"{_BATCHES}/{batch_id}", params={"limit": "1"})

    def batch_devices(
        self, batch_id: int, *, state: str | None = None, limit: int | None = None
    ) -> AsyncIterator[BatchDevice]:
        """By uid; at most `limit`."""
        params = {"state": state}
        return self._items(BatchDevice, f"{_BATCHES}/{batch_id}/devices", params, limit=limit)

    async def change_batch(self, batch_id: int, verb: str) -> Batch:
        """`verb` is start, cancel, retry or rollback; the last answers the batch that takes this one back."""
        return await self._call(Batch, "POST", f"{_BATCHES}/{batch_id}/{verb}")
