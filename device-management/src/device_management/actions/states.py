"""An action's states, and those of an attempt at it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ActionState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


TRANSITIONS: Final[Mapping[ActionState, frozenset[ActionState]]] = {
    ActionState.PENDING: frozenset({ActionState.RUNNING, ActionState.CANCELLED, ActionState.TIMED_OUT}),
    ActionState.RUNNING: frozenset(
        {ActionState.COMPLETED, ActionState.FAILED, ActionState.CANCELLED, ActionState.TIMED_OUT}
    ),
    ActionState.COMPLETED: frozenset(),
    ActionState.FAILED: frozenset(),
    ActionState.CANCELLED: frozenset(),
    ActionState.TIMED_OUT: frozenset(),
}

OPEN: Final = (ActionState.PENDING.value, ActionState.RUNNING.value)
"""The states that have a deadline."""


class AttemptState(StrEnum):
    """`sent` until the device answers; `abandoned` when its action ended without an answer to it."""

    SENT = "sent"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"


def may_become(present: str, to: ActionState) -> bool:
    return to in TRANSITIONS[ActionState(present)]
