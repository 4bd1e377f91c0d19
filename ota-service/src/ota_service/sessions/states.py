"""The states of an update session, and every transition there is. A final state is final."""

from enum import StrEnum


class SessionState(StrEnum):
    HELD = "held"
    """Waits for consent: a person or the device confirms or denies it."""
    INITIATED = "initiated"
    ACKNOWLEDGED = "acknowledged"
    DOWNLOADING = "downloading"
    FLASHED = "flashed"
    CANCELLING = "cancelling"
    """The device had begun and is asked to stop; it says that it has, or that it goes on."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


FINAL = frozenset({SessionState.COMPLETED, SessionState.FAILED, SessionState.CANCELLED, SessionState.TIMED_OUT})
OPEN = frozenset(SessionState) - FINAL
WAITING = frozenset({SessionState.HELD, SessionState.INITIATED})
"""The device has not begun."""
BEGUN = frozenset({SessionState.ACKNOWLEDGED, SessionState.DOWNLOADING, SessionState.FLASHED})
INSTALLED = frozenset({SessionState.FLASHED, SessionState.COMPLETED})
"""The new firmware is on the device; once completed, it has proved itself."""

BROKEN_OFF = frozenset({SessionState.FAILED, SessionState.CANCELLED, SessionState.TIMED_OUT})
_ENDS_LATER = BROKEN_OFF | {SessionState.CANCELLING}

TRANSITIONS: dict[SessionState, frozenset[SessionState]] = {
    SessionState.HELD: frozenset({SessionState.INITIATED}) | BROKEN_OFF,
    SessionState.INITIATED: frozenset({SessionState.ACKNOWLEDGED}) | BROKEN_OFF,
    SessionState.ACKNOWLEDGED: frozenset({SessionState.DOWNLOADING}) | _ENDS_LATER,
    SessionState.DOWNLOADING: frozenset({SessionState.FLASHED}) | _ENDS_LATER,
    SessionState.FLASHED: frozenset({SessionState.COMPLETED}) | _ENDS_LATER,
    SessionState.CANCELLING: BEGUN | {SessionState.COMPLETED, SessionState.FAILED, SessionState.CANCELLED},
    **{state: frozenset() for state in FINAL},
}


def may_become(state: SessionState, target: SessionState) -> bool:
    return target in TRANSITIONS[state]


def may_report(state: SessionState, target: SessionState) -> bool:
    """Whether a device's report of `target` fits: it needs consent first, and goes on only by refusing to stop.

    What it has installed it has installed, whatever it was asked meanwhile.
    """
    if state == SessionState.HELD:
        return target in {SessionState.CANCELLED, SessionState.FAILED}
    if state == SessionState.CANCELLING:
        return target not in {SessionState.ACKNOWLEDGED, SessionState.DOWNLOADING} and may_become(state, target)
    return target != SessionState.CANCELLING and may_become(state, target)


def may_deny(state: SessionState, target: SessionState) -> bool:
    return state == SessionState.HELD and may_become(state, target)
