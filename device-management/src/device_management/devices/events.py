"""From a device's row to the events about it, pure."""

from typing import TypeVar

from device_management.devices.models import Device
from shared.contracts.devices import DeviceState

E = TypeVar("E", bound=DeviceState)


def state_event(kind: type[E], device: Device) -> E:
    """An event of `kind` with the device's whole public state."""
    assert device.id is not None  # noqa: S101 - it comes from the database
    return kind(
        organization_id=device.organization_id,
        version=device.version,
        device_id=device.id,
        device_uid=device.device_uid,
        name=device.name,
        device_type=device.device_type,
        serial_number=device.serial_number,
        hardware_version=device.hardware_version,
        firmware_version=device.firmware_version,
        lifecycle=device.lifecycle,
        updates_enabled=device.updates_enabled,
        attributes=device.attributes,
        tags=device.tags,
        min_token_generation=device.min_token_generation,
        registered_at=device.registered_at,
        updated_at=device.updated_at,
    )
