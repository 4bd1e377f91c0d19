"""The HTTP shapes of batches, and what other slices give and get."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ota_service.batches.states import BatchState, DeviceState
from ota_service.firmware.schemas import FirmwareId
from ota_service.fleet.schemas import Selection
from ota_service.sessions.schemas import MAX_SOAK_S, Terms
from shared.http.moments import Moment
from shared.http.pagination import Page
from shared.names import readable

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MAX_SECONDS = 366 * 86_400


def _minutes(value: time) -> time:
    if value.tzinfo is not None or value.second or value.microsecond:
        raise PydanticCustomError("wall_time", "hours and minutes, as the clock on the wall shows them")
    return value


Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(readable)]
Id = Annotated[int, Field(ge=1, lt=2**63, strict=True)]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | Id
Group = Id | Name
Wall = Annotated[time, AfterValidator(_minutes)]
Many = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class Window(BaseModel):
    """When devices may be updated, by the clock of each device's time zone: its attribute `time_zone`, or else UTC.

    One that ends no later than it begins ends on the day after; `days` are those on which it begins.
    """

    model_config = ConfigDict(extra="forbid")

    begins: Wall
    ends: Wall
    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)] = list(WEEKDAYS)


class BatchCreate(BaseModel):
    """Updates many devices with one approved firmware: those named by uid or id, those that a query finds, or a group.

    At most `concurrency` have an open session at a time, and `per_site` of each site. A device has `deadline_s` to take
    its update up, and waits as long for its turn when it cannot be updated yet.
    """

    model_config = ConfigDict(extra="forbid")

    name: Name
    firmware_id: FirmwareId
    device_ids: Annotated[list[Reference], Field(min_length=1)] | None = None
    rql: str | None = None
    group: Group | None = None
    """Of its id or its name."""
    start_at: Moment | None = None
    concurrency: Many | None = None
    per_site: Many | None = None
    deadline_s: Annotated[int, Field(ge=1, le=MAX_SECONDS, strict=True)] | None = None
    soak_s: Annotated[int, Field(ge=1, le=MAX_SOAK_S, strict=True)] | None = None
    """How long each device must run the new version, as it says itself, before its update counts as completed."""
    consent: StrictBool = False
    """Whether somebody must agree to each update before it begins."""
    force: StrictBool = False
    """Whether an older release may take the place of a later one."""
    window: Window | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if sum(target is not None for target in (self.device_ids, self.rql, self.group)) != 1:
            raise PydanticCustomError("one_target", "give one of device_ids, rql and group")
        return self

    def terms(self) -> Terms:
        given = self.model_dump(include={"deadline_s", "soak_s", "consent", "force"})
        return Terms(firmware_ids=(self.firmware_id,), **given)


@dataclass(frozen=True)
class BatchPlan:
    """A batch to be made. One that is `held` opens nothing until it is let go; `release_ref` says for whom it is.

    Its sessions are told to be of `release` and `wave`.
    """

    name: str
    terms: Terms
    selection: Selection
    start_at: datetime | None = None
    concurrency: int | None = None
    per_site: int | None = None
    window: Window | None = None
    release_ref: str | None = None
    release: str | None = None
    wave: str | None = None
    held: bool = False


@dataclass(frozen=True)
class Counts:
    """How many devices of a batch are in each state; those that timed out have failed."""

    pending: int
    initiated: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int

    @property
    def total(self) -> int:
        return self.pending + self.initiated + self.succeeded + self.failed + self.skipped + self.cancelled


Moved = Counter[DeviceState]
"""By how many the devices in each state have become more or, below zero, fewer."""


class BatchRead(BaseModel):
    """A batch with how many of its devices are in each state.

    While `choosing`, more of its devices are still being found. `rollback_of` is the batch that it takes back.
    """

    id: int
    name: str
    state: BatchState
    target: dict[str, Any]
    firmware_ids: list[int]
    start_at: datetime | None
    concurrency: int | None
    per_site: int | None
    deadline_s: int | None
    soak_s: int | None = None
    consent: bool = False
    force: bool
    window: Window | None
    held: bool
    choosing: bool
    total: int
    counts: Mapping[DeviceState, int]
    rollback_of: int | None
    version: int
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    updated_at: datetime
    ended_at: datetime | None


class BatchDeviceRead(BaseModel):
    """A device of a batch: its state, the reason for it as a word and as a sentence, and its last session.

    A pending one is tried again at `next_at`.
    """

    device_uid: str
    state: DeviceState
    reason: str | None
    detail: str | None
    session_id: UUID | None
    attempts: int
    next_at: datetime | None
    updated_at: datetime


class BatchDetail(BatchRead):
    """With the first of its devices; `devices.next` goes on at `/devices`. `rolled_back_by` is what takes it back."""

    rolled_back_by: int | None
    devices: Page[BatchDeviceRead]


class SkippedDevice(BaseModel):
    device_uid: str
    reason: str
    detail: str | None


class BatchPreview(BaseModel):
    """What a batch would come to now: `pending` devices would get the update, `skipped` by reason, with a sample."""

    total: int
    pending: int
    skipped: dict[str, int]
    sample: list[SkippedDevice]
