"""Policy of manifests, pure: which device may be given a bundle, and what a manifest says."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ota_service.firmware.models import Firmware
from ota_service.fleet.schemas import FleetDeviceRead
from ota_service.fleet.states import RETIRED
from ota_service.installations.schemas import Installed
from ota_service.manifests.schemas import Obstacle

OnDevice = Mapping[str, Installed]
"""What a device has, by the name of the firmware."""


def obstacle(
    device: FleetDeviceRead,
    firmware: Sequence[Firmware],
    on_device: OnDevice,
    *,
    floors: Iterable[Firmware],
    force: bool,
) -> Obstacle | None:
    """Why this device may not get all of this firmware, or None. `force` as in Bundle."""
    if device.lifecycle == RETIRED:
        return Obstacle("retired", "the device is retired")
    if not device.updates_enabled:
        return Obstacle("updates_disabled", "updates are disabled for the device")
    for one in firmware:
        if not one.fits(device.hardware_version):
            fits, has = ", ".join(one.hardware_versions), device.hardware_version or "unknown"
            return Obstacle("hardware_mismatch", f"{one.name} is for hardware {fits}, that of the device is {has}")
    return _below_floor(on_device, floors) or (None if force else _nothing_new(firmware, on_device))


def _below_floor(on_device: OnDevice, floors: Iterable[Firmware]) -> Obstacle | None:
    for floor in floors:
        has = on_device.get(floor.name)
        if has is None or has.release_counter < floor.release_counter:
            known = has.version if has else "unknown"
            return Obstacle("below_floor", f"{floor.name} must be {floor.version} or later, it is {known}")
    return None


def _nothing_new(firmware: Sequence[Firmware], on_device: OnDevice) -> Obstacle | None:
    """What has not proved itself on the device may be tried again."""
    for one in firmware:
        has = on_device.get(one.name)
        if has is not None and one.release_counter < has.release_counter:
            return Obstacle("older_release", f"{one.name} {one.version} is older than {has.version}, which it has")
    if all((has := on_device.get(one.name)) and has.confirmed_id == has.firmware_id == one.id for one in firmware):
        return Obstacle("already_installed", f"the device runs {firmware[0].name} {firmware[0].version} already")
    return None


def _common_hardware(firmware: Sequence[Firmware]) -> list[str]:
    """Sorted; none when every part fits every device."""
    limited = [one for one in firmware if one.hardware_versions]
    return sorted(
        {version for one in limited for version in one.hardware_versions if all(x.fits(version) for x in limited)}
    )


def manifest(
    firmware: Sequence[Firmware],
    *,
    session_id: str,
    device_uid: str,
    counter: int,
    issued_at: datetime,
    expires_at: datetime,
    force: bool,
) -> str:
    """Canonical JSON: sorted keys, no blanks, ASCII, whole numbers, UTC times in seconds.

    `parts` are in the order of their installation; the first is there once more on the outside. The hardware versions
    are those that every part is for. Source: RFC 8785 for values of these kinds. Fresh `counter` and `expires_at` make
    replaying an old one an attack that shows. Going back to an older release is the operator's choice, which `force`
    tells the device.
    """
    parts = [
        {
            "name": one.name,
            "release_counter": one.release_counter,
            "sha256": one.sha256,
            "size": one.size,
            "version": one.version,
        }
        for one in firmware
    ]
    content: dict[str, Any] = {
        **parts[0],
        "counter": counter,
        "device_uid": device_uid,
        "expires_at": int(expires_at.timestamp()),
        "force": force,
        "hardware_versions": _common_hardware(firmware),
        "issued_at": int(issued_at.timestamp()),
        "parts": parts,
        "session": session_id,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
