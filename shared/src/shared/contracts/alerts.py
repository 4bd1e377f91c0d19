"""Events about alerts, published by monitoring."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from shared.contracts.envelope import EventData


class AlertState(EventData):
    """The whole public state of one alert of one device.

    `value` is what the rule saw when the alert opened, in the metric's unit, or in seconds of silence or absence;
    `threshold` what it is held against, in the same unit.
    """

    type: ClassVar[str]

    alert_id: str
    rule_id: str
    rule_name: str
    severity: str
    """`critical`, `warning` or `info`."""
    device_uid: str
    kind: str
    """What the rule looks at: `threshold`, `missing`, `rate` or `presence`."""
    metric: str | None = None
    value: float | None = None
    threshold: float | None = None
    state: str
    """`active` or `cleared`."""
    opened_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    cleared_at: datetime | None = None
    cleared_by: str | None = None
    """Who cleared it; None when the condition ended by itself."""
    clear_reason: str | None = None
    """`recovered`, `person`, `rule` (changed, disabled or deleted) or `device` (left the scope or the fleet)."""
    release: str | None = None
    """The release that was updating the device when the alert opened, or had done so within the hour before."""
    session_id: str | None = None
    """The update session of the device at that time."""

    def subject(self) -> str:
        return f"alert/{self.alert_id}"


class Comment(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    by: str
    text: str
    at: datetime


class AlertOpened(AlertState):
    type = "alert.opened.v1"


class AlertAcknowledged(AlertState):
    """Somebody looks after it. It stays open until its condition ends."""

    type = "alert.acknowledged.v1"


class AlertCommented(AlertState):
    type = "alert.commented.v1"

    comment: Comment


class AlertCleared(AlertState):
    type = "alert.cleared.v1"
