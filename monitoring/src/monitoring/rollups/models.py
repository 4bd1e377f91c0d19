"""What a minute or an hour of a device comes to, and sums of these."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from monitoring.telemetry.models import Counts
from shared.contracts.telemetry import Value

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

MAX_BINS = 256
MAX_METRICS = 256
MAX_BOOTS = 100
MAX_TEXT = 64

_LOG_GAMMA = math.log(1.01 / 0.99)
_LARGEST_LOG = math.log(1.7e308)


class Sketch(msgspec.Struct, array_like=True):
    """How numbers are distributed, within 1%, mergeable: DDSketch (Masson, Rim and Lee, 2019) with sparse bins.

    A number x lies in bin ceil(log(|x|) / log(gamma)). Past MAX_BINS every two neighbours become one and the error
    doubles (UDDSketch, Epicoco et al., 2020), once for each `level`.
    """

    zeros: int = 0
    above: dict[int, int] = msgspec.field(default_factory=dict[int, int])
    below: dict[int, int] = msgspec.field(default_factory=dict[int, int])
    level: int = 0

    def add(self, number: float) -> None:
        if number == 0:
            self.zeros += 1
            return
        bins = self.above if number > 0 else self.below
        index = math.ceil(math.log(abs(number)) / (_LOG_GAMMA * 2**self.level))
        bins[index] = bins.get(index, 0) + 1
        if len(bins) > MAX_BINS:
            self._coarsen(self.level + 1)

    def merge(self, other: "Sketch") -> None:
        if self.level < other.level:
            self._coarsen(other.level)
        self.zeros += other.zeros
        for bins, more in ((self.above, other.above), (self.below, other.below)):
            for index, number in more.items():
                coarse = _coarse(index, self.level - other.level)
                bins[coarse] = bins.get(coarse, 0) + number
        while max(len(self.above), len(self.below)) > MAX_BINS:
            self._coarsen(self.level + 1)

    def quantile(self, part: float) -> float:
        """The number below which `part` (0 to 1) of them lie; there must be some."""
        rank = part * (self.zeros + sum(self.above.values()) + sum(self.below.values()) - 1)
        seen = 0
        for index in sorted(self.below, reverse=True):
            seen += self.below[index]
            if seen > rank:
                return -self._middle(index)
        seen += self.zeros
        if seen > rank:
            return 0.0
        for index in sorted(self.above):
            seen += self.above[index]
            if seen > rank:
                return self._middle(index)
        return self._middle(max(self.above, default=0))

    def _coarsen(self, level: int) -> None:
        for name in ("above", "below"):
            bins: dict[int, int] = {}
            for index, number in getattr(self, name).items():
                coarse = _coarse(index, level - self.level)
                bins[coarse] = bins.get(coarse, 0) + number
            setattr(self, name, bins)
        self.level = level

    def _middle(self, index: int) -> float:
        log_gamma = _LOG_GAMMA * 2**self.level
        return math.exp(min(index * log_gamma, _LARGEST_LOG)) * 2 / (1 + math.exp(min(log_gamma, _LARGEST_LOG)))


class Summary(msgspec.Struct, array_like=True):
    """A metric of one device or of several over a time.

    Of `count` values `numbers` are numbers or booleans (as 0 and 1); `total`, `low` and `high` are theirs. `first` and
    `last` are of any kind, with their times in microseconds since 1970; text is cut at MAX_TEXT characters.
    """

    count: int = 0
    numbers: int = 0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    first_ts: int = 0
    first: Value | None = None
    last_ts: int = 0
    last: Value | None = None

    def merge(self, other: "Summary") -> None:
        if other.count == 0:
            return
        if self.count == 0 or other.first_ts < self.first_ts:
            self.first_ts, self.first = other.first_ts, other.first
        if self.count == 0 or other.last_ts >= self.last_ts:
            self.last_ts, self.last = other.last_ts, other.last
        self.count += other.count
        self.numbers += other.numbers
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)

    @property
    def mean(self) -> float | None:
        """None where there are no numbers, or none that can be summed."""
        if not self.numbers or not math.isfinite(self.total):
            return None
        return min(max(self.total / self.numbers, self.low), self.high)

    @property
    def least(self) -> float | None:
        return self.low if self.numbers else None

    @property
    def greatest(self) -> float | None:
        return self.high if self.numbers else None


class Rollup(Summary, array_like=True):
    """A summary that also knows how its numbers are distributed."""

    sketch: Sketch = msgspec.field(default_factory=Sketch)

    def add(self, ts: int, value: Value) -> None:
        """One value more; they come in the order of their times."""
        kept = value[:MAX_TEXT] if isinstance(value, str) else value
        if self.count == 0:
            self.first_ts, self.first = ts, kept
        self.last_ts, self.last = ts, kept
        self.count += 1
        if not isinstance(value, str):
            number = float(value)
            self.numbers += 1
            self.total += number
            self.low = min(self.low, number)
            self.high = max(self.high, number)
            self.sketch.add(number)

    def absorb(self, other: "Rollup") -> None:
        self.merge(other)
        self.sketch.merge(other.sketch)

    def quantile(self, part: float) -> float | None:
        """None where there are no numbers. Exact where all of them are 0 or one greater number, as booleans are."""
        if not self.numbers:
            return None
        found = self.sketch.quantile(part)
        if found > 0 <= self.low and self.total / self.high == self.numbers - self.sketch.zeros:
            return self.high
        return min(max(found, self.low), self.high)


class Seqs(msgspec.Struct, array_like=True):
    """How many samples of a boot there are, and their least and greatest seq."""

    number: int
    least: int
    greatest: int

    def merge(self, other: "Seqs") -> None:
        self.number += other.number
        self.least = min(self.least, other.least)
        self.greatest = max(self.greatest, other.greatest)

    @property
    def missing(self) -> int:
        return max(0, self.greatest - self.least + 1 - self.number)


@dataclass(slots=True)
class Bucket:
    """A device's minute or hour: the number of its samples, their seqs by boot, and its metrics."""

    samples: int = 0
    boots: dict[str, Seqs] = field(default_factory=dict[str, Seqs])
    metrics: dict[str, Rollup] = field(default_factory=dict[str, Rollup])


class Mark(msgspec.Struct, frozen=True):
    """What is to be recomputed of a device and what was counted: see `telemetry.models.Touched`."""

    device_uid: str
    minutes: tuple[int, ...] = ()
    recount: tuple[int, ...] = ()
    counts: Mapping[str, Mapping[int, Counts]] = msgspec.field(default_factory=dict[str, Mapping[int, Counts]])
    """By process and day."""

    fresh: Mapping[int, tuple[bytes, ...]] = msgspec.field(default_factory=dict[int, tuple[bytes, ...]])
    """By minute. Some of it may be here twice."""


@dataclass(frozen=True, slots=True, order=True)
class DeviceHour:
    """`hour` is in hours since 1970. Its minutes are one document."""

    device_uid: str
    hour: int

    @property
    def start(self) -> datetime:
        return datetime.fromtimestamp(self.hour * 3_600, UTC)


@dataclass(slots=True)
class HourChange:
    """Minutes since 1970 of a device's hour: those to be read from the store, and new samples of others, packed."""

    read: set[int] = field(default_factory=set[int])
    fresh: dict[int, tuple[bytes, ...]] = field(default_factory=dict[int, tuple[bytes, ...]])


@dataclass(slots=True)
class DayChange:
    """What is to be written of a device's day: hours by their number in the day, what was counted by process."""

    hours: dict[int, Bucket] = field(default_factory=dict[int, Bucket])
    undated: int | None = None
    counts: dict[str, Counts] = field(default_factory=dict[str, Counts])


@dataclass(frozen=True, slots=True)
class DayCounted:
    """What is known of the numbers of a device's samples on a day.

    `dated` ones lie in its hours, with the `boots` of each; `undated` is their number when they were counted in the
    store, 0 if they never were; `counts` are those of each process.
    """

    device_uid: str
    dated: int
    boots: Sequence[Mapping[str, Seqs]]
    undated: int
    counts: Sequence[Counts]


@dataclass(frozen=True, slots=True)
class Account:
    """What became of what a device sent on some days: samples, but `messages` and the `dead` among them.

    received = stored + duplicate + expired. `undated` are among `stored`; `gaps` are seqs that are missing.
    """

    messages: int = 0
    received: int = 0
    stored: int = 0
    undated: int = 0
    duplicate: int = 0
    expired: int = 0
    dead: int = 0
    gaps: int = 0


def summed(accounts: Iterable[Account]) -> Account:
    found = list(accounts)
    return Account(*(sum(getattr(one, name) for one in found) for name in Account.__slots__))


def _coarse(index: int, levels: int) -> int:
    return -(-index // 2**levels)
