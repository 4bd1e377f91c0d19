"""Events about devices, published by device-management."""

from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from shared.contracts.envelope import EventData

PURGED = "purged"
"""The lifecycle in a tombstone. A copy that holds it answers as if there were no such device."""


def subject_of(device_uid: str) -> str:
    """The subject of every event about this device."""
    return f"device/{device_uid}"


class DeviceState(EventData):
    """The whole public state of a device. `min_token_generation` refuses older device tokens (see `shared.tokens`)."""

    type: ClassVar[str]

    device_id: int
    device_uid: str
    name: str | None = None
    device_type: str | None = None
    serial_number: str | None = None
    hardware_version: str | None = None
    firmware_version: str | None = None
    """What runs on it, as far as the platform knows: put there by an update, or said by the device."""
    reported_firmware_version: str | None = None
    """What the device itself last said that it runs; None until it has said so."""
    reported_attributes: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What the device last said of itself, whole; `attributes` are what people say of it."""
    lifecycle: str
    updates_enabled: bool = True
    attributes: dict[str, Any] = Field(default_factory=dict[str, Any])
    tags: list[str] = Field(default_factory=list[str])
    group_ids: list[int] = Field(default_factory=list[int])
    """The fixed groups that it is in. One that was deleted since may still be among them."""
    site_id: int | None = None
    """Where it is, of the sites that its organization has."""
    min_token_generation: int
    registered_at: datetime
    updated_at: datetime

    def subject(self) -> str:
        return subject_of(self.device_uid)


class DeviceRegistered(DeviceState):
    type = "device.registered.v1"


class DeviceChanged(DeviceState):
    """Somebody edited the device, moved it in its life or set its status, or it says something else of itself."""

    type = "device.changed.v1"


class DeviceRetired(DeviceState):
    """The end of its life: none of its tokens is good any more."""

    type = "device.retired.v1"
    urgent = True


class DevicePurged(DeviceState):
    """Its tombstone: the lifecycle is `purged`, and nothing else is left but what keeps older news from reviving it."""

    type = "device.purged.v1"
    urgent = True


class DeviceTokenRevoked(DeviceState):
    """Tokens below `min_token_generation` are refused everywhere from now on."""

    type = "device.token_revoked.v1"
    urgent = True


class DeviceFirmwareChanged(DeviceState):
    """Another `firmware_version` runs on the device: an update put it there, or the device says so."""

    type = "device.firmware_changed.v1"


class DeviceSnapshot(DeviceState):
    """Not a change: the present state, sent again so that a copy can be rebuilt."""

    type = "device.snapshot.v1"
