"""What devices are to be set to: one by one, and many alike by a job."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from muster_cli.client.rest import Rest

_JOBS = "/api/v2/configuration/jobs"
_OPEN_ITEMS = ("pending", "dispatched")


class Difference(BaseModel):
    """A member that is not as it should be."""

    desired: Any = None
    reported: Any = None


class Configuration(BaseModel):
    """`drift` holds the members that differ, None until the device has reported; `action_id` is what sets it now."""

    device_uid: str
    desired: dict[str, Any]
    reported: dict[str, Any] | None = None
    reported_at: datetime | None = None
    drift: dict[str, Difference] | None = None
    version: int
    action_id: int | None = None


class ConfigurationJob(BaseModel):
    """Many devices being set alike; `counts` says how many are in each state."""

    id: str
    run_id: str
    kind: str
    target: dict[str, Any]
    params: dict[str, Any]
    concurrency: int
    deadline_s: int
    state: str
    total: int
    counts: dict[str, int]
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether it goes on no more by itself."""
        return self.ended_at is not None or self.state == "paused"

    @property
    def done(self) -> int:
        return self.total - sum(self.counts.get(state, 0) for state in _OPEN_ITEMS)


class ConfigurationItem(BaseModel):
    """What became of a device of a job."""

    name: str
    state: str
    attempts: int
    reason: str | None = None
    updated_at: datetime


class ConfigurationClient(Rest):
    async def configuration(self, id_or_uid: str) -> Configuration:
        return await self._call(Configuration, "GET", _path(id_or_uid))

    async def configure(
        self, id_or_uid: str, desired: Mapping[str, Any], *, version: int | None = None
    ) -> Configuration:
        """Sets what it is to be set to, whole; with `version` only while nobody else has changed it."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return await self._call(Configuration, "PUT", _path(id_or_uid), json={"desired": desired}, headers=headers)

    async def start_configuration_job(self, body: Mapping[str, Any]) -> ConfigurationJob:
        """`params`, one of `device_uids`, `rql` and `group_id`, and optionally `concurrency` and `deadline_s`."""
        return await self._call(ConfigurationJob, "POST", _JOBS, json=body)

    def configuration_jobs(self, *, limit: int | None = None) -> AsyncIterator[ConfigurationJob]:
        """Newest first; at most `limit`."""
        return self._items(ConfigurationJob, _JOBS, {}, limit=limit)

    async def configuration_job(self, job_id: str) -> ConfigurationJob:
        return await self._call(ConfigurationJob, "GET", f"{_JOBS}/{quote(job_id, safe='')}")

    def configuration_items(
        self, job_id: str, *, state: str | None = None, limit: int | None = None
    ) -> AsyncIterator[ConfigurationItem]:
        """By uid; at most `limit`."""
        path = f"{_JOBS}/{quote(job_id, safe='')}/items"
        return self._items(ConfigurationItem, path, {"state": state}, limit=limit)

    async def change_configuration_job(self, job_id: str, verb: str) -> ConfigurationJob:
        """`verb` is pause, resume, cancel or retry."""
        return await self._call(ConfigurationJob, "POST", f"{_JOBS}/{quote(job_id, safe='')}/{verb}")


def _path(id_or_uid: str) -> str:
    return f"/api/v2/devices/{quote(id_or_uid, safe='')}/configuration"
