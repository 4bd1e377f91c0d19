"""From a new device to what is said of it, pure: its event, its entry in the audit log, and the answer.

Its members are known to be sound. What all three say is encoded once, and each is put together as JSON around it: with
models, or one by one, this took thousands of devices longer than all else together.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from device_management.devices.states import shown_status
from device_management.registration.models import NewDevice, Stored

_encode = msgspec.json.Encoder().encode

_UNHEARD = {
    "firmware_version": None,
    "reported_firmware_version": None,
    "reported_attributes": dict[str, Any](),
    "site_id": None,
}
_UNTOLD = _encode({**_UNHEARD, "group_ids": list[int]()})[1:-1]
_UNSHOWN = _encode({**_UNHEARD, "reported_at": None, "online": None, "current_action_id": None})[1:-1]
"""What the event and the answer say of a device before anybody has said it, without braces."""


def described(new: NewDevice, attributes: Mapping[str, Any]) -> bytes:
    """The members that all say alike, as JSON without its braces."""
    members = {
        "device_uid": new.device_uid,
        "name": new.name,
        "device_type": new.device_type,
        "serial_number": new.serial_number,
        "hardware_version": new.hardware_version,
        "lifecycle": new.lifecycle,
        "updates_enabled": new.updates_enabled,
        "attributes": attributes,
        "tags": new.tags,
    }
    return _encode(members)[1:-1]


def registered(description: bytes, new: NewDevice, stored: Stored) -> bytes:
    """The data of `DeviceRegistered`."""
    at = _encode(new.registered_at)
    return (
        b'{"organization_id":%d,"version":%d,"device_id":%d,%b,%b,'
        b'"min_token_generation":%d,"registered_at":%b,"updated_at":%b}'
    ) % (
        new.organization_id,
        stored.version,
        stored.id,
        description,
        _UNTOLD,
        stored.min_token_generation,
        at,
        at,
    )


def begun(description: bytes, new: NewDevice) -> bytes:
    """What the audit log first tells of a device; its description there holds no secrets."""
    return b'{%b,"reported_status":%b}' % (description, _encode(new.reported_status))


def shown(description: bytes, new: NewDevice, stored: Stored) -> bytes:
    """The `DeviceRead` of a device that nobody has heard of since."""
    status = shown_status(lifecycle=new.lifecycle, online=None, acting=None, reported=new.reported_status)
    at = _encode(new.registered_at)
    return b'{"id":%d,"organization_id":%d,%b,%b,"status":%b,"version":%d,"registered_at":%b,"updated_at":%b}' % (
        stored.id,
        new.organization_id,
        description,
        _UNSHOWN,
        _encode(status),
        stored.version,
        at,
        at,
    )
