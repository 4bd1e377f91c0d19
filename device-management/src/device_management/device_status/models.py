"""What others say of devices, and the devices held for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HeldDevice:
    """A device that nobody else changes until the transaction ends."""

    id: int
    device_uid: str
    lifecycle: str


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
