"""Policy of manifests, pure: which device may be given a firmware, and what a manifest says."""

import json
from collections.abc import Sequence
from datetime import datetime

from ota_service.fleet.states import RETIRED
from ota_service.manifests.schemas import Obstacle


def obstacle(
    *, lifecycle: str, updates_enabled: bool, hardware_version: str | None, hardware_versions: Sequence[str]
) -> Obstacle | None:
    """Why this device may not get this firmware, or None. No `hardware_versions` means that it fits every device."""
    if lifecycle == RETIRED:
        return Obstacle("retired", "the device is retired")
    if not updates_enabled:
        return Obstacle("updates_disabled", "updates are disabled for the device")
    if hardware_versions and hardware_version not in hardware_versions:
        fits, has = ", ".join(hardware_versions), hardware_version or "unknown"
        return Obstacle("hardware_mismatch", f"the firmware is for hardware {fits}, that of the device is {has}")
    return None


def manifest(
    *,
    session_id: str,
    device_uid: str,
    counter: int,
    name: str,
    version: str,
    release_counter: int,
    size: int,
    sha256: str,
    hardware_versions: Sequence[str],
    issued_at: datetime,
    expires_at: datetime,
) -> str:
    """Canonical JSON: sorted keys, no blanks, ASCII, whole numbers, UTC times in seconds.

    Source: RFC 8785 for values of these kinds. Fresh `counter` and `expires_at` make replaying an old one an attack
    that shows, while going back to an older release is the operator's choice.
    """
    content = {
        "counter": counter,
        "device_uid": device_uid,
        "expires_at": int(expires_at.timestamp()),
        "hardware_versions": sorted(hardware_versions),
        "issued_at": int(issued_at.timestamp()),
        "name": name,
        "release_counter": release_counter,
        "session": session_id,
        "sha256": sha256,
        "size": size,
        "version": version,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
