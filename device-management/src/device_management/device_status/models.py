"""What others and they themselves say of devices, and the devices held for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field

from device_management.devices.models import Device
from device_management.tables import Table


@dataclass(frozen=True)
class HeldDevice:
    """A device that nobody else changes until the transaction ends."""

    id: int
    device_uid: str
    lifecycle: str


@dataclass(frozen=True)
class ChangedDevice:
    """What readers of a changed device need to know to read it anew."""

    id: int
    organization_id: int
    device_uid: str
    revision: int


@dataclass(frozen=True)
class Presence:
    """What monitoring says of one device; the greater version wins."""

    device_uid: str
    online: bool
    version: int


@dataclass(frozen=True)
class Installed:
    """What an update has put on one device; the greater counter wins."""

    organization_id: int
    device_uid: str
    firmware_version: str
    counter: int


@dataclass(frozen=True)
class Ended:
    """An update that ended without success, perhaps after it had put its version on the device."""

    organization_id: int
    device_uid: str
    counter: int


@dataclass(frozen=True)
class Reported:
    """What one device says of itself; None says nothing.

    `firmware_versions` are all that it said since the last time, the last of which it runs now.
    """

    device_uid: str
    firmware_versions: Sequence[str]
    attributes: dict[str, Any] | None


@dataclass(frozen=True)
class TakenReport:
    """A device that has reported, and whether that changed its public state."""

    device: Device
    firmware_before: str | None
    changed: bool


class AttributeReport(Table, table=True):
    """The latest of the reports that came through ota-service for a device: an earlier one changes nothing."""

    device_uid: str = Field(max_length=64, primary_key=True)
    version: int = Field(sa_type=BigInteger)
