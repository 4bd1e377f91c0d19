"""A device before it is a row, and what the table gives to it."""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from device_management.devices.states import Lifecycle, Status


class NewDevice(msgspec.Struct, frozen=True, gc=False):
    """A device to be stored; what it does not name the table's defaults give."""

    device_uid: str
    organization_id: int
    name: str | None
    device_type: str | None
    serial_number: str | None
    hardware_version: str | None
    lifecycle: Lifecycle
    reported_status: Status
    updates_enabled: bool
    attributes: dict[str, Any]
    tags: list[str]
    registered_at: datetime


class Stored(NamedTuple):
    """What the table gave to a new device. All of it goes on where the uid was purged before."""

    id: int
    version: int = 1
    min_token_generation: int = 1
