"""The HTTP shape of presence."""

from datetime import datetime

from pydantic import BaseModel


class PresenceRead(BaseModel):
    """`version` counts the changes; 0, without `since`, says that the device has never been connected."""

    device_uid: str
    online: bool
    since: datetime | None
    version: int
