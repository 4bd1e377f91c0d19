"""The states of a release, and every transition there is. The states of everything below it are derived."""

from enum import StrEnum


class ReleaseState(StrEnum):
    """`rolling_back` lasts until every device that can be put back has been, or has failed to."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


class OnFailure(StrEnum):
    """What becomes of a release when a gate fails: it waits for a person, is over, or is taken back."""

    PAUSE = "pause"
    FAIL = "fail"
    ROLLBACK = "rollback"


class EntityKind(StrEnum):
    RELEASE = "release"
    WAVE = "wave"
    CLUSTER = "cluster"
    BUNDLE = "bundle"
    APP = "app"


_AFTER_START = frozenset(
    {
        ReleaseState.COMPLETED,
        ReleaseState.FAILED,
        ReleaseState.CANCELLED,
        ReleaseState.ROLLING_BACK,
    }
)

TRANSITIONS: dict[ReleaseState, frozenset[ReleaseState]] = {
    ReleaseState.DRAFT: frozenset({ReleaseState.SCHEDULED, ReleaseState.RUNNING, ReleaseState.CANCELLED}),
    ReleaseState.SCHEDULED: frozenset({ReleaseState.RUNNING, ReleaseState.CANCELLED}),
    ReleaseState.RUNNING: frozenset({ReleaseState.PAUSED}) | _AFTER_START,
    ReleaseState.PAUSED: frozenset({ReleaseState.RUNNING, ReleaseState.CANCELLED, ReleaseState.ROLLING_BACK}),
    ReleaseState.COMPLETED: frozenset({ReleaseState.RUNNING, ReleaseState.ROLLING_BACK}),
    ReleaseState.FAILED: frozenset({ReleaseState.ROLLING_BACK}),
    ReleaseState.CANCELLED: frozenset({ReleaseState.ROLLING_BACK}),
    ReleaseState.ROLLING_BACK: frozenset({ReleaseState.ROLLED_BACK}),
    ReleaseState.ROLLED_BACK: frozenset(),
}
"""A completed release runs again when its failed devices are retried; what was done can be taken back later too."""

STEPPED = frozenset({ReleaseState.SCHEDULED, ReleaseState.RUNNING, ReleaseState.ROLLING_BACK})
"""Those that go on by themselves."""


def may_become(state: ReleaseState, target: ReleaseState) -> bool:
    return target in TRANSITIONS[state]
