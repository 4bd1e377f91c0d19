"""Samples as they are stored, their keys, and what is known of each device at the end of them.

A key is `<uid>:<device time in microseconds, 16 hex digits>:<boot>:<seq>`. It sorts by device, then time, so a range of
keys answers "this device between these times".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.contracts.telemetry import TelemetrySample, Value

DAY = timedelta(days=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A sample as it came in, checked. `origin` tells it from the others of its device when it does not do so itself:

    the same for a sample that comes again.
    """

    device_uid: str
    sample: TelemetrySample
    received_at: datetime
    origin: str


@dataclass(frozen=True, slots=True)
class StoredSample:
    """`key` is the same however often the sample comes; `day` is the UTC day it lies in, None for undated ones."""

    key: str
    device_uid: str
    day: date | None
    received_at: datetime
    metrics: Mapping[str, Value]
    ts: int
    """Microseconds since 1970: the device's time, or for an undated sample the time of receipt."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest value of a metric. `ts` as in `StoredSample`; `dated` says whether it is the device's time.

    `received` is when it came in, in microseconds since 1970; 0 in what an older release of this service wrote.
    """

    ts: int
    value: Value
    dated: bool
    received: int = 0


@dataclass(frozen=True, slots=True)
class Latest:
    device_uid: str
    metrics: Mapping[str, Reading]


@dataclass(frozen=True, slots=True)
class PastSample:
    """A stored sample as it is read: `place` is the part of its key behind the uid."""

    place: str
    ts: datetime
    received_at: datetime
    metrics: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch, in samples; `undated` ones are among `stored`."""

    stored: int
    duplicate: int
    undated: int
    expired: int
    latest: list[Latest]
    """The newest of each device in this batch."""


def micros(at: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The inverse of `micros`."""
    return _EPOCH + timedelta(microseconds=at)


def sample_key(uid: str, at: datetime | None, boot: str, last: str) -> str:
    """The key of a sample; `last` is its seq, or what stands in its place."""
    return f"{uid}:{_time_part(at)}:{boot}:{last}"


def key_range(uid: str, start: datetime, end: datetime) -> tuple[str, str]:
    """The keys of the device's samples from `start` to before `end`: from the first to before the second."""
    return f"{uid}:{_time_part(start)}", f"{uid}:{_time_part(end)}"


def time_of(place: str) -> datetime:
    """The device's time in the part of a key behind the uid. Raises ValueError."""
    return moment(int(place.partition(":")[0], 16))


def days(start: datetime, end: datetime) -> Iterator[date]:
    """The UTC days that the time from `start` to before `end` touches, in order."""
    day = start.date()
    while midnight(day) < end:
        yield day
        day += DAY


def midnight(day: date) -> datetime:
    """The first moment of the day, in UTC."""
    return datetime.combine(day, time.min, UTC)


def _time_part(at: datetime | None) -> str:
    return "" if at is None else f"{micros(at):016x}"
