"""Events about actions, published by device-management."""

from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from shared.contracts.envelope import EventData

UPDATES = frozenset({"software_update", "firmware_update"})
"""The types of actions that ota-service carries out, by an update session."""


class ActionState(EventData):
    """The whole public state of one action on one device."""

    type: ClassVar[str]

    action_id: int
    device_id: int
    device_uid: str
    action_type: str
    params: dict[str, Any] = Field(default_factory=dict[str, Any])
    priority: int
    state: str
    progress: int | None = None
    """Percent, as the device says."""
    result: Any = None
    error: str | None = None
    """Why the last attempt failed, or why the action ended as it did."""
    attempt: int
    """How often it was sent to the device with a new command."""
    bulk_id: int | None = None
    requested_by: str
    requested_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deadline: datetime
    updated_at: datetime

    def subject(self) -> str:
        return f"action/{self.action_id}"


class ActionRequested(ActionState):
    """It waits in its device's queue."""

    type = "action.requested.v1"


class ActionStarted(ActionState):
    """It is its device's turn: the command is on its way, or waits for the device to connect."""

    type = "action.started.v1"


class ActionProgressed(ActionState):
    """The device is further, or an attempt failed and another one follows."""

    type = "action.progressed.v1"


class ActionCompleted(ActionState):
    type = "action.completed.v1"


class ActionFailed(ActionState):
    type = "action.failed.v1"


class ActionCancelled(ActionState):
    type = "action.cancelled.v1"


class ActionTimedOut(ActionState):
    type = "action.timed_out.v1"


class ActionSnapshot(ActionState):
    """Not a change: the present state, sent again so that a copy can be rebuilt."""

    type = "action.snapshot.v1"
