"""Policy of update sessions, pure: how long a state may last, and which progress is worth keeping."""

from dataclasses import dataclass
from datetime import timedelta

from ota_service.manifests.schemas import Obstacle
from ota_service.sessions.states import OPEN, SessionState

PROGRESS_STEP = 10
"""Percent. Progress is kept in steps: a download is a dozen changes at the most, however often it is reported."""

DEVICE_UNKNOWN = Obstacle("device_not_found", "there is no such device, or the copy of the fleet has none of it yet")
UPDATE_OPEN = Obstacle("update_open", "the device is being updated already")


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
