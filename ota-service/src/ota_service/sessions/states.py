"""The states of an update session, and every transition there is. A final state is final."""

from enum import StrEnum


class SessionState(StrEnum):
    INITIATED = "initiated"
    ACKNOWLEDGED = "acknowledged"
    DOWNLOADING = "downloading"
    FLASHED = "flashed"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


FINAL = frozenset({SessionState.COMPLETED, SessionState.FAILED, SessionState.CANCELLED, SessionState.TIMED_OUT})
OPEN = frozenset(SessionState) - FINAL
INSTALLED = frozenset({SessionState.FLASHED, SessionState.COMPLETED})
"""The new firmware is on the device; once completed, it has proved itself."""

_BREAKS_OFF = frozenset({SessionState.FAILED, SessionState.CANCELLED, SessionState.TIMED_OUT})

TRANSITIONS: dict[SessionState, frozenset[SessionState]] = {
    SessionState.INITIATED: frozenset({SessionState.ACKNOWLEDGED}) | _BREAKS_OFF,
    SessionState.ACKNOWLEDGED: frozenset({SessionState.DOWNLOADING}) | _BREAKS_OFF,
    SessionState.DOWNLOADING: frozenset({SessionState.FLASHED}) | _BREAKS_OFF,
    SessionState.FLASHED: frozenset({SessionState.COMPLETED}) | _BREAKS_OFF,
    **{state: frozenset() for state in FINAL},
}


def may_become(state: SessionState, target: SessionState) -> bool:
    return target in TRANSITIONS[state]
