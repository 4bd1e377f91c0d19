"""From a new device to what is said of it, pure: its event, its audit entry, and the answer.

Its members are known to be sound. They are given as plain values and not made into models first, which for thousands
of devices took longer than all else together.
"""

from typing import Any

from device_management.audit.schemas import Change
from device_management.devices.schemas import DeviceRead
from device_management.devices.states import shown_status
from device_management.registration.models import NewDevice, Stored
from shared.contracts.devices import DeviceRegistered

_AUDITED = (
    "device_uid",
    "name",
    "device_type",
    "serial_number",
    "hardware_version",
    "lifecycle",
    "reported_status",
    "updates_enabled",
    "attributes",
    "tags",
)

_NOT_YET_KNOWN = {
    name: member.get_default(call_default_factory=True)
    for name, member in DeviceRegistered.model_fields.items()
    if not member.is_required()
}
"""What the event says of a device before anybody has said it."""


def registered(new: NewDevice, stored: Stored) -> dict[str, Any]:
    """The data of `DeviceRegistered`."""
    return {
        **_NOT_YET_KNOWN,
        "organization_id": new.organization_id,
        "version": stored.version,
        "device_id": stored.id,
        "device_uid": new.device_uid,
        "name": new.name,
        "device_type": new.device_type,
        "serial_number": new.serial_number,
        "hardware_version": new.hardware_version,
        "lifecycle": new.lifecycle,
        "updates_enabled": new.updates_enabled,
        "attributes": new.attributes,
        "tags": new.tags,
        "min_token_generation": stored.min_token_generation,
        "registered_at": new.registered_at,
        "updated_at": new.registered_at,
    }


def beginning(new: NewDevice, stored: Stored) -> Change:
    """The first entry of the audit log about a device."""
    return Change("device", str(stored.id), "registered", after={name: getattr(new, name) for name in _AUDITED})


def shown(new: NewDevice, stored: Stored) -> dict[str, Any]:
    """The members of `DeviceRead`, of a device that nobody has heard of since."""
    return {
        "id": stored.id,
        "device_uid": new.device_uid,
        "name": new.name,
        "device_type": new.device_type,
        "organization_id": new.organization_id,
        "serial_number": new.serial_number,
        "hardware_version": new.hardware_version,
        "firmware_version": None,
        "reported_firmware_version": None,
        "reported_attributes": {},
        "reported_at": None,
        "lifecycle": new.lifecycle,
        "status": shown_status(lifecycle=new.lifecycle, online=None, acting=None, reported=new.reported_status),
        "updates_enabled": new.updates_enabled,
        "attributes": new.attributes,
        "tags": new.tags,
        "site_id": None,
        "current_action_id": None,
        "version": stored.version,
        "registered_at": new.registered_at,
        "updated_at": new.registered_at,
    }


def read_new(new: NewDevice, stored: Stored) -> DeviceRead:
    """As `devices.events.read`, of a device that nobody has heard of since."""
    return DeviceRead.model_validate(shown(new, stored))
