"""The HTTP shape of presence."""

from datetime import datetime

from pydantic import BaseModel


class PresenceRead(BaseModel):
    """`version` counts the changes; 0, without `since`, says that the device has never been there.

    One that is online and not `connected` speaks over HTTP or through a gateway: commands reach it when it asks.
    """

    device_uid: str
    online: bool
    connected: bool
    since: datetime | None
    version: int
