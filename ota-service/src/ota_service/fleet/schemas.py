"""The HTTP shape of a device in the copy, how devices are picked from it, and for which device a request speaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel


class FleetDeviceRead(BaseModel):
    """What ota-service knows of a device; `version` tells how far the copy has come."""

    device_uid: str
    device_id: int
    organization_id: int
    name: str | None
    device_type: str | None
    serial_number: str | None
    hardware_version: str | None
    firmware_version: str | None
    lifecycle: str
    updates_enabled: bool
    attributes: dict[str, Any]
    tags: list[str]
    group_ids: list[int]
    site_id: int | None
    version: int
    registered_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Selection:
    """Devices to do something with: by uid (or id, as text), by query, by group or by site; one of the four."""

    uids: Sequence[str] | None = None
    rql: str | None = None
    group_id: int | None = None
    site_id: int | None = None


@dataclass(frozen=True)
class DeviceCaller:
    """A device that may be spoken for; `by` tells in histories who does: `device`, or `gateway <id>`."""

    organization_id: int
    uid: str
    by: str
