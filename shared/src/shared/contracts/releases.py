"""Events about releases, published by ota-service."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from shared.contracts.canaries import CanaryRequest
from shared.contracts.envelope import EventData


class ReleaseWaveState(BaseModel):
    """A wave with how many of its devices are how far."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    wave_id: str
    name: str
    state: str
    devices: int
    waiting: int
    in_progress: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int


class ReleaseState(EventData):
    """The whole public state of a release. `wave` is the wave that the event is about, where it is about one.

    `reason` is a stable word and `detail` a sentence: why it does not go on, as long as it does not.
    """

    type: ClassVar[str]

    release_id: int
    slug: str
    name: str
    state: str
    reason: str | None = None
    detail: str | None = None
    wave: str | None = None
    waves: list[ReleaseWaveState]
    created_by: str
    created_at: datetime
    start_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime

    def subject(self) -> str:
        return f"release/{self.release_id}"


class ReleaseCreated(ReleaseState):
    type = "release.created.v1"


class ReleaseApproved(ReleaseState):
    type = "release.approved.v1"


class ReleaseScheduled(ReleaseState):
    """It will start at `start_at`."""

    type = "release.scheduled.v1"


class ReleaseStarted(ReleaseState):
    type = "release.started.v1"


class ReleaseWaveOpened(ReleaseState):
    type = "release.wave_opened.v1"


class ReleaseWaveCompleted(ReleaseState):
    """The wave has passed its gate. Devices of it that are still being updated go on."""

    type = "release.wave_completed.v1"


class ReleaseCanaryRequested(ReleaseState):
    """A wave would have passed its gate; it does once monitoring finds its devices no worse than others."""

    type = "release.canary_requested.v1"

    canary: CanaryRequest


class ReleasePaused(ReleaseState):
    """By a person, or because a wave failed its gate."""

    type = "release.paused.v1"


class ReleaseResumed(ReleaseState):
    """Also when it runs again for devices that failed."""

    type = "release.resumed.v1"


class ReleaseCompleted(ReleaseState):
    """Every wave has passed and no device is being updated any more."""

    type = "release.completed.v1"


class ReleaseFailed(ReleaseState):
    """A wave failed its gate and the release is over."""

    type = "release.failed.v1"


class ReleaseCancelled(ReleaseState):
    type = "release.cancelled.v1"


class ReleaseRollbackStarted(ReleaseState):
    """The devices that it touched are put back to what they ran before."""

    type = "release.rollback_started.v1"


class ReleaseRolledBack(ReleaseState):
    """No device is being put back any more."""

    type = "release.rolled_back.v1"


class ReleaseSnapshot(ReleaseState):
    """Not a change: the present state, sent again so that a copy can be rebuilt."""

    type = "release.snapshot.v1"
