"""Actions: what devices are asked to do."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from muster_cli.client.rest import Rest


class ActionAttempt(BaseModel):
    """One command to the device, and what it said."""

    number: int
    state: str
    progress: int | None = None
    error: str | None = None
    error_class: str | None = None
    began_at: datetime
    ended_at: datetime | None = None


class Action(BaseModel):
    """Something that a device is asked to do. `progress` in percent; `completed_at` is None until it has ended."""

    action_id: int
    device_uid: str
    type: str
    params: dict[str, Any]
    state: str
    progress: int | None = None
    result: Any = None
    error: str | None = None
    deadline: datetime
    requested_by: str
    requested_at: datetime
    completed_at: datetime | None = None
    attempts: list[ActionAttempt] | None = None
    """Only where one action was asked for."""

    @property
    def is_over(self) -> bool:
        return self.state not in {"pending", "running"}


class ActionClient(Rest):
    async def run_action(self, device_uid: str, kind: str, params: Mapping[str, Any], *, deadline_s: int) -> Action:
        body = {"device_uid": device_uid, "type": kind, "params": params, "deadline_s": deadline_s}
        return await self._call(Action, "POST", "/api/v2/actions", json=body)

    def actions(
        self, *, device_uid: str | None = None, state: str | None = None, limit: int | None = None
    ) -> AsyncIterator[Action]:
        """The organization's actions, newest first; at most `limit`."""
        params = {"device_uid": device_uid, "state": state}
        return self._items(Action, "/api/v2/actions", params, limit=limit)

    async def action(self, action_id: int) -> Action:
        """With its attempts."""
        return await self._call(Action, "GET", f"/api/v2/actions/{action_id}")

    async def cancel_action(self, action_id: int) -> Action:
        return await self._call(Action, "POST", f"/api/v2/actions/{action_id}/cancel")
