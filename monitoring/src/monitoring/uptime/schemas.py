"""The HTTP shapes of uptime."""

from datetime import datetime

from pydantic import BaseModel, Field


class Interval(BaseModel):
    """`until` is None while it lasts."""

    online: bool
    since: datetime
    until: datetime | None


class UptimeRead(BaseModel):
    """`items` are the intervals that touch the window, the newest first.

    `known_from` is where the history begins within the window, None when it begins after it; `online_s` and `percent`
    are of the time from then on.
    """

    device_uid: str
    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    known_from: datetime | None
    online_s: float | None
    percent: float | None
    items: list[Interval]
    next: str | None = None
