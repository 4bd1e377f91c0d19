"""From a device's row to what is said of it, pure: events, audit entries, and answers."""

from typing import Any, TypeVar

from device_management.audit.schemas import Change
from device_management.devices.models import Device
from device_management.devices.schemas import DeviceRead
from device_management.devices.states import shown_status
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
        reported_firmware_version=device.reported_firmware_version,
        reported_attributes=device.reported_attributes,
        lifecycle=device.lifecycle,
        updates_enabled=device.updates_enabled,
        attributes=device.attributes,
        tags=device.tags,
        group_ids=device.group_ids,
        site_id=device.site_id,
        min_token_generation=device.min_token_generation,
        registered_at=device.registered_at,
        updated_at=device.updated_at,
    )


_AUDITED = (
    "device_uid",
    "name",
    "device_type",
    "serial_number",
    "hardware_version",
    "firmware_version",
    "lifecycle",
    "reported_status",
    "updates_enabled",
    "attributes",
    "tags",
    "site_id",
    "min_token_generation",
)


def audited(device: Device) -> dict[str, Any]:
    """What the audit log tells of a device."""
    return {name: getattr(device, name) for name in _AUDITED}


def change(
    device_id: int | None, action: str, *, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> Change:
    """An entry of the audit log, under the device's id."""
    return Change("device", str(device_id), action, before=before, after=after)


def read(device: Device) -> DeviceRead:
    status = shown_status(
        lifecycle=device.lifecycle, online=device.online, acting=device.action_status, reported=device.reported_status
    )
    return DeviceRead.model_validate({**device.model_dump(), "status": status})
