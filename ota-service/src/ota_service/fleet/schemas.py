"""The HTTP shape of a device in the copy, and for which device a request speaks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True)
class DeviceCaller:
    """A device that may be spoken for; `by` tells in histories who does: `device`, or `gateway <id>`."""

    organization_id: int
    uid: str
    by: str


class FleetDeviceRead(BaseModel):
    """What ota-service knows of a device; `version` tells how far the copy has come."""

    device_uid: str
    device_id: int
    organization_id: int
    name: str | None
    device_type: str | None
    hardware_version: str | None
    firmware_version: str | None
    lifecycle: str
    updates_enabled: bool
    attributes: dict[str, Any]
    tags: list[str]
    version: int
    changed_at: datetime
