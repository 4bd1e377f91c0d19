"""What is known of a device in a release, and the answer."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from ota_service.releases.models import ReleaseTree, WaveBranch


@dataclass(frozen=True)
class LastSession:
    """The last update of the device for the release, or without a release at all."""

    session_id: UUID
    state: str
    error: str | None
    deadline: datetime | None


@dataclass(frozen=True)
class Turn:
    """The device in the batch that carries out its cluster; `reason` and `detail` say why it is where it is."""

    state: str
    reason: str | None
    detail: str | None
    next_at: datetime


@dataclass(frozen=True)
class Membership:
    """Where the device is in the release. `wave` is its own, `before` the one that must pass for it to open."""

    tree: ReleaseTree
    wave: WaveBranch
    before: WaveBranch | None
    cluster: str
    turn: Turn | None
    session: LastSession | None


@dataclass(frozen=True)
class Outsider:
    """A device that takes no part in a release; `matches` tells whether one of its clusters would choose it now."""

    matches: bool
    joins_late: bool
    ended: bool


@dataclass(frozen=True)
class Reason:
    """A word for programs, a sentence for people and the next step; `until` is when it may change by itself."""

    word: str
    sentence: str
    next_step: str | None = None
    until: datetime | None = None


class WhyRead(BaseModel):
    """Why a device was not updated, or that it was.

    `reason` is a word for programs, `detail` one sentence for people, `next_step` what to do about it; None where there
    is nothing to do. `until` is when it may change by itself.
    """

    device_uid: str
    release: str | None
    wave: str | None
    cluster: str | None
    session_id: UUID | None
    updated: bool
    reason: str
    detail: str
    next_step: str | None
    until: datetime | None
