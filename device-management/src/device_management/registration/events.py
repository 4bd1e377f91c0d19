"""From a new device to what is said of it, pure: its event, its entry in the audit log, and the answer.

Its members are known to be sound. What all three say is encoded once, and each is put together as JSON around it: with
models, or one by one, this took thousands of devices longer than all else together.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from device_management.devices.states import Lifecycle, Status, shown_status
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


class _Description(msgspec.Struct):
    device_uid: str
    name: str | None
    device_type: str | None
    serial_number: str | None
    hardware_version: str | None
    lifecycle: Lifecycle
    updates_enabled: bool
    attributes: Mapping[str, Any]
    tags: list[str]


def described(new: NewDevice, attributes: Mapping[str, Any]) -> bytes:
    """The members that all say alike, as JSON without its braces."""
    description = _Description(
        new.device_uid,
        new.name,
        new.device_type,
        new.serial_number,
        new.hardware_version,
        new.lifecycle,
        new.updates_enabled,
        attributes,
        new.tags,
    )
    return _encode(description)[1:-1]


class Telling:
    """Says of new devices of one organization, registered at one moment, what there is to say."""

    def __init__(self, organization_id: int, registered_at: datetime) -> None:
        at = _encode(registered_at)
        self._whose = b'"organization_id":%d,' % organization_id
        self._times = b',"registered_at":%b,"updated_at":%b}' % (at, at)

    def registered(self, description: bytes, stored: Stored) -> bytes:
        """The data of `DeviceRegistered`."""
        return b'{%b"version":%d,"device_id":%d,%b,%b,"min_token_generation":%d%b' % (
            self._whose,
            stored.version,
            stored.id,
            description,
            _UNTOLD,
            stored.min_token_generation,
            self._times,
        )

    def shown(self, description: bytes, new: NewDevice, stored: Stored) -> bytes:
        """The `DeviceRead` of a device that nobody has heard of since."""
        return b'{%b"id":%d,%b,%b,"status":"%b","version":%d%b' % (
            self._whose,
            stored.id,
            description,
            _UNSHOWN,
            _status(new.lifecycle, new.reported_status),
            stored.version,
            self._times,
        )


def begun(description: bytes, new: NewDevice) -> bytes:
    """What the audit log first tells of a device; its description there holds no secrets."""
    return b'{%b,"reported_status":"%b"}' % (description, new.reported_status.encode())


@cache
def _status(lifecycle: Lifecycle, reported: Status) -> bytes:
    return shown_status(lifecycle=lifecycle, online=None, acting=None, reported=reported).encode()
