"""From a new device to what is said of it, pure: its event, its entry in the audit log, and the answer.

Its members are known to be sound. They are given as plain values and not made into models first, which for thousands
of devices took longer than all else together.
"""

from typing import Any

from device_management.devices.states import shown_status
from device_management.registration.models import NewDevice, Stored
from shared.contracts.devices import DeviceRegistered

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


def begun(new: NewDevice) -> dict[str, Any]:
    """What the audit log first tells of a device."""
    return {
        "device_uid": new.device_uid,
        "name": new.name,
        "device_type": new.device_type,
        "serial_number": new.serial_number,
        "hardware_version": new.hardware_version,
        "lifecycle": new.lifecycle,
        "reported_status": new.reported_status,
        "updates_enabled": new.updates_enabled,
        "attributes": new.attributes,
        "tags": new.tags,
    }


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
