"""Policy of update sessions, pure: how long a state may last, which device may be updated, what a manifest says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ota_service.fleet.states import RETIRED
from ota_service.sessions.states import OPEN, SessionState

PROGRESS_STEP = 10
"""Percent. Progress is kept in steps: a download is a dozen changes at the most, however often it is reported."""


@dataclass(frozen=True)
class Patience:
    """How long a session may stay in each open state before it times out."""

    initiated: timedelta = timedelta(days=7)
    acknowledged: timedelta = timedelta(hours=1)
    downloading: timedelta = timedelta(hours=6)
    flashed: timedelta = timedelta(hours=1)

    def in_state(self, state: SessionState) -> timedelta | None:
        """None for a final state, which lasts for ever."""
        return getattr(self, state) if state in OPEN else None

    def after_initiated(self) -> timedelta:
        """How long a session lasts at the most once its device has acknowledged it."""
        return self.acknowledged + self.downloading + self.flashed


@dataclass(frozen=True)
class Obstacle:
    """Why a device may not get a firmware: a word for programs and a sentence for people."""

    reason: str
    detail: str


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


def is_step(before: int | None, now: int | None) -> bool:
    """Whether a download that was at `before` percent has come far enough to be worth keeping."""
    if now is None:
        return False
    return before is None or now >= before + PROGRESS_STEP or (now == 100 and before < 100)


def progress_after(target: SessionState, *, known: int | None, said: int | None) -> int | None:
    """The progress of a session that becomes `target`: what breaks off keeps what was known."""
    if target == SessionState.DOWNLOADING:
        return said
    return 100 if target in {SessionState.FLASHED, SessionState.COMPLETED} else known


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
