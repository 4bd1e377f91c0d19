"""Samples as they are stored, their keys, and what a batch of them leaves behind.

A key is `<uid>:<device time in microseconds, 16 hex digits>:<boot>:<seq>`. It sorts by device, then time, so a range of
keys answers "this device between these times".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from shared.contracts.telemetry import TelemetrySample, Value

DAY = timedelta(days=1)

_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder(list[tuple[tuple[str, ...], list[tuple[str, tuple[Value, ...]]]]])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Arrival(msgspec.Struct, frozen=True):
    """A sample as it came in, checked. `origin` tells it from the others of its device when it does not do so itself:

    the same for a sample that comes again.
    """

    device_uid: str
    sample: TelemetrySample
    received_at: datetime
    origin: str


class StoredSample(msgspec.Struct, frozen=True):
    """`key` is the same however often the sample comes; `day` is the UTC day it lies in, None for undated ones.

    `keep` is the class of retention that its organization had when it came.
    """

    key: str
    device_uid: str
    keep: str
    day: date | None
    received_at: datetime
    metrics: Mapping[str, Value]
    ts: int
    """Microseconds since 1970: the device's time, or for an undated sample the time of receipt."""


class Reading(msgspec.Struct, frozen=True):
    """The newest value of a metric. `ts` as in `StoredSample`; `dated` says whether it is the device's time.

    `received` is when it came in, in microseconds since 1970; 0 in what an older release of this service wrote.
    """

    ts: int
    value: Value
    dated: bool
    received: int = 0


class Latest(msgspec.Struct, frozen=True):
    device_uid: str
    metrics: Mapping[str, Reading]


class Counts(msgspec.Struct, frozen=True):
    """What was counted of a device on a UTC day: in samples, but `messages` and the `dead` among them.

    A dated sample counts on its own day, everything else on the day it was received. What is stored of dated samples
    is not counted but recomputed from the store, so it is not among these.
    """

    received: int = 0
    expired: int = 0
    undated: int = 0
    messages: int = 0
    dead: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.received + other.received,
            self.expired + other.expired,
            self.undated + other.undated,
            self.messages + other.messages,
            self.dead + other.dead,
        )

    def __sub__(self, other: "Counts") -> "Counts":
        return self + Counts(-other.received, -other.expired, -other.undated, -other.messages, -other.dead)


class Touched(msgspec.Struct, frozen=True):
    """What a batch has changed of a device, and what was counted.

    `fresh` are by their minute since 1970 the samples that nobody had stored before, `packed`.
    `minutes` hold samples that came again, or too many to be told here: they are to be read from the store. On
    `recount` days undated ones came again, so that their number is to be taken from the store. `counts` are growing
    totals of `process` by day (in days since 1970): of two, the greater is the later one.
    """

    device_uid: str
    minutes: tuple[int, ...] = ()
    recount: tuple[int, ...] = ()
    process: str = ""
    counts: Mapping[int, Counts] = msgspec.field(default_factory=dict[int, Counts])
    fresh: Mapping[int, bytes] = msgspec.field(default_factory=dict[int, bytes])


@dataclass(frozen=True, slots=True)
class News:
    """What batches have left behind, several of a device perhaps, by the `ids` of its documents.

    `since` is the time from which some of it has been gathered, None when nothing was. `more` says whether there may
    be more, for this is as much as fits into memory: `latest` and `touched` are decoded a document at a time, as they
    are read, which can be done once.
    """

    ids: Sequence[Any]
    latest: Iterator[Latest]
    touched: Iterator[Touched]
    since: datetime | None
    more: bool

    @property
    def is_gathered(self) -> bool:
        """Nothing has come since it was."""
        return self.since is not None and len(self.ids) == 1


class PastSample(msgspec.Struct, frozen=True):
    """A stored sample as it is read: `place` is the part of its key behind the uid."""

    place: str
    ts: datetime
    received_at: datetime
    metrics: Mapping[str, Value]

    @property
    def boot_and_seq(self) -> tuple[str, int] | None:
        """None for a sample that came without seq, or without time."""
        _, boot, last = self.place.split(":")
        return (boot, int(last)) if last.isdecimal() else None


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


def sample_key(uid: str, at: int | None, boot: str, last: str) -> str:
    """The key of a sample; `at` is in microseconds since 1970, `last` its seq, or what stands in its place."""
    return f"{uid}:{at:016x}:{boot}:{last}" if at is not None else f"{uid}::{boot}:{last}"


def key_range(uid: str, start: datetime, end: datetime) -> tuple[str, str]:
    """The keys of the device's samples from `start` to before `end`: from the first to before the second."""
    return f"{uid}:{micros(start):016x}", f"{uid}:{micros(end):016x}"


def time_of(place: str) -> datetime:
    """The device's time in the part of a key behind the uid. Raises ValueError."""
    return moment(int(place.partition(":")[0], 16))


def packed(samples: Iterable[StoredSample]) -> bytes:
    """Samples of one device as one value: their places (the keys behind the uid) and values, by names of metrics."""
    groups: dict[tuple[str, ...], list[tuple[str, tuple[Value, ...]]]] = {}
    for sample in samples:
        place = sample.key[len(sample.device_uid) + 1 :]
        groups.setdefault(tuple(sample.metrics), []).append((place, tuple(sample.metrics.values())))
    return _packer.encode(list(groups.items()))


def unpacked(parts: Iterable[bytes]) -> list[PastSample]:
    """The samples of one device in the order of their keys, each once. Their `received_at` is not kept."""
    found: dict[str, PastSample] = {}
    for part in parts:
        for names, rows in _unpacker.decode(part):
            for place, values in rows:
                at = time_of(place)
                found[place] = PastSample(place, at, at, dict(zip(names, values, strict=True)))
    return [found[place] for place in sorted(found)]


def days(start: datetime, end: datetime) -> Iterator[date]:
    """The UTC days that the time from `start` to before `end` touches, in order."""
    day = start.date()
    while midnight(day) < end:
        yield day
        day += DAY


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH.date()).days


@lru_cache(maxsize=1_024)
def day_of(number: int) -> date:
    """The inverse of `day_number`."""
    return _EPOCH.date() + number * DAY


def midnight(day: date) -> datetime:
    """The first moment of the day, in UTC."""
    return datetime.combine(day, time.min, UTC)
