"""The states of a job and of each of its items."""

from enum import StrEnum


class JobKind(StrEnum):
    CONFIGURATION = "configuration"
    SITES = "sites"


class JobState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


JOB_TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.RUNNING: frozenset({JobState.PAUSED, JobState.COMPLETED, JobState.CANCELLED}),
    JobState.PAUSED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.COMPLETED: frozenset({JobState.RUNNING}),
    JobState.CANCELLED: frozenset({JobState.RUNNING}),
}
"""A job that has ended runs again when its failed items are retried."""


class ItemState(StrEnum):
    """`dispatched` while its action is under way."""

    PENDING = "pending"
    DISPATCHED = "dispatched"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


def may_become(state: JobState, target: JobState) -> bool:
    return target in JOB_TRANSITIONS[state]


def success(state: ItemState) -> bool | None:
    """None while it is not known."""
    if state in {ItemState.PENDING, ItemState.DISPATCHED}:
        return None
    return state is ItemState.SUCCEEDED
