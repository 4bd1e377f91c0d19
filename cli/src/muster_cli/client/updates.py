"""Updates of single devices."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from muster_cli.client.rest import Rest


class UpdateReport(BaseModel):
    """What was said of an update, by its device, a person or the deadline, and whether it was accepted."""

    by: str
    reported: str
    state_before: str | None = None
    accepted: bool
    progress: int | None = None
    error: str | None = None
    at: datetime


class UpdateSession(BaseModel):
    """An update of one device. `progress` in percent; `deadline` is None once it has ended."""

    session_id: str
    device_uid: str
    firmware_id: int
    firmware_name: str
    firmware_version: str
    previous_version: str | None = None
    state: str
    progress: int | None = None
    error: str | None = None
    deadline: datetime | None = None
    opened_by: str
    opened_at: datetime
    updated_at: datetime
    reports: list[UpdateReport] | None = None
    """The history; only where one session was asked for."""

    @property
    def is_over(self) -> bool:
        return self.deadline is None


class UpdateClient(Rest):
    async def start_update(self, device_uid: str, firmware_id: int, **terms: Any) -> UpdateSession:
        """`terms` are further members of the request, e.g. `soak_s`."""
        body = {"device_uid": device_uid, "firmware_id": firmware_id, **terms}
        return await self._call(UpdateSession, "POST", "/api/v2/updates", json=body)

    def updates(
        self, *, device_uid: str | None = None, state: str | None = None, limit: int | None = None
    ) -> AsyncIterator[UpdateSession]:
        """The organization's updates, newest first; at most `limit`."""
        params = {"device_uid": device_uid, "state": state}
        return self._items(UpdateSession, "/api/v2/updates", params, limit=limit)

    async def update(self, session_id: str) -> UpdateSession:
        """With its history."""
        return await self._call(UpdateSession, "GET", f"/api/v2/updates/{quote(session_id, safe='')}")

    async def cancel_update(self, session_id: str) -> UpdateSession:
        return await self._call(UpdateSession, "POST", f"/api/v2/updates/{quote(session_id, safe='')}/cancel")
