"""What befalls one device and when: decided by the seed alone, without a look at what really happens.

Times are seconds since the fleet's start. All of it is pure: the same names give the same course, however often and in
whichever order it is asked.
"""

import heapq
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from muster_cli.simulator.chance import Chance
from muster_cli.simulator.conditions import Clock, Conditions, Network, Offline, Updating
from muster_cli.simulator.quantities import Span

T = TypeVar("T")

_HOUR_S = 3_600.0
_ABOUT = Span(0.5, 1.5)


class Outage(NamedTuple):
    """No network from `start` to before `end`. After one of a `herd` nobody waits for a turn to come back."""

    start: float
    end: float
    herd: bool = False


class Herd(NamedTuple):
    """At `at`, a share of the devices loses the network; all of these are let back in `away` seconds later."""

    at: float
    away: float
    share: float


class Stage(NamedTuple):
    """From `start` to before the next stage these conditions hold."""

    start: float
    conditions: Conditions


class Episode(NamedTuple, Generic[T]):
    """`what` from `start` to before `end`. Equal ones have the same `key`: what is drawn for it is drawn once."""

    start: float
    end: float
    what: T
    key: int


class Track(Generic[T]):
    """One part of the conditions over time, in episodes."""

    __slots__ = ("_starts", "episodes")

    def __init__(self, values: Iterable[tuple[float, T]]) -> None:
        """What holds from when on, in order; the first from 0."""
        changes: list[tuple[float, T]] = []
        for start, value in values:
            if not changes or changes[-1][1] != value:
                changes.append((start, value))
        distinct: list[T] = []
        for _, value in changes:
            if value not in distinct:
                distinct.append(value)
        self._starts = [start for start, _ in changes]
        ends = [*self._starts[1:], math.inf]
        self.episodes = [
            Episode(start, end, value, distinct.index(value)) for (start, value), end in zip(changes, ends, strict=True)
        ]

    def at(self, elapsed: float) -> Episode[T]:
        return self.episodes[max(bisect_right(self._starts, elapsed) - 1, 0)]


class Timeline:
    """The conditions of all devices of one kind, and the herds they are part of."""

    __slots__ = ("clock", "every", "herds", "network", "offline", "updates")

    def __init__(self, stages: Sequence[Stage], herds: Sequence[Herd] = ()) -> None:
        self.every: Track[float] = Track((start, now.every) for start, now in stages)
        self.offline: Track[Offline | None] = Track((start, now.offline) for start, now in stages)
        self.network: Track[Network] = Track((start, now.network) for start, now in stages)
        self.clock: Track[Clock] = Track((start, now.clock) for start, now in stages)
        self.updates: Track[Updating] = Track((start, now.updates) for start, now in stages)
        self.herds = herds

    @classmethod
    def steady(cls, conditions: Conditions) -> "Timeline":
        return cls([Stage(0.0, conditions)])


class Course:
    """One device's way through a timeline."""

    __slots__ = ("_seed", "_timeline", "_uid")

    def __init__(self, timeline: Timeline, *, seed: int, uid: str) -> None:
        self._timeline = timeline
        self._seed = seed
        self._uid = uid

    def every(self, elapsed: float) -> float:
        """Seconds between two samples."""
        return self._timeline.every.at(elapsed).what

    def outages(self) -> Iterator[Outage]:
        """In order and apart from each other; those that meet are one, and end with the last of them."""
        sources: list[Iterable[Outage]] = [
            self._herds(),
            *(self._spells(number, one) for number, one in enumerate(self._timeline.offline.episodes)),
            *(self._drops(number, one) for number, one in enumerate(self._timeline.network.episodes)),
        ]
        current: Outage | None = None
        for outage in heapq.merge(*sources):
            if current is None or outage.start > current.end:
                if current is not None:
                    yield current
                current = outage
            elif outage.end > current.end:
                current = Outage(current.start, outage.end, outage.herd)
        if current is not None:
            yield current

    def delay(self, number: int, elapsed: float) -> float:
        """Seconds that the network holds back the device's sample of that number."""
        span = self._timeline.network.at(elapsed).what.delay
        return span.at(self._chance("delay").nth(number)) if span.high else 0.0

    def clock_error(self, elapsed: float) -> float:
        """By how many seconds the device's clock is ahead."""
        start, _, clock, key = self._timeline.clock.at(elapsed)
        if clock.is_right:
            return 0.0
        chance = self._chance("clock", key)
        error = clock.skew.draw(chance) + clock.drift.draw(chance) * elapsed / _HOUR_S
        if clock.jumps_every is not None:
            period, phase = clock.jumps_every.draw(chance), chance.random()
            jumps = int((elapsed - start) / period + phase)
            error += clock.jump.at(self._chance("jump", key).nth(jumps)) if jumps else 0.0
        return error

    def bytes_per_second(self, elapsed: float) -> float | None:
        """What the device's link carries; None: any."""
        episode = self._timeline.updates.at(elapsed)
        link = episode.what.link
        return None if link is None else link.draw(self._chance("link", episode.key))

    def write_s(self, number: int, elapsed: float) -> float:
        """How long the device's write of that number takes."""
        return self._timeline.updates.at(elapsed).what.writes.at(self._chance("write").nth(number))

    def write_fails(self, number: int, elapsed: float) -> bool:
        return self._chance("flash").nth(number) < self._timeline.updates.at(elapsed).what.flash_fails

    def boot_s(self, number: int, elapsed: float) -> float:
        """How long the device's reboot of that number takes."""
        return self._timeline.updates.at(elapsed).what.boots.at(self._chance("boot").nth(number))

    def _herds(self) -> list[Outage]:
        chance = self._chance("herd")
        return sorted(
            Outage(herd.at, herd.at + herd.away, herd=True)
            for number, herd in enumerate(self._timeline.herds)
            if chance.nth(number) < herd.share
        )

    def _spells(self, number: int, episode: Episode[Offline | None]) -> Iterator[Outage]:
        offline = episode.what
        if offline is not None and self._chance("offline", episode.key).random() < offline.share:
            chance = self._chance("spell", number)
            yield from _renewed(episode.start, episode.end, chance, every=offline.every, lasts=offline.lasts)

    def _drops(self, number: int, episode: Episode[Network]) -> Iterator[Outage]:
        network = episode.what
        if network.drops_every is not None:
            chance = self._chance("drop", number)
            yield from _renewed(episode.start, episode.end, chance, every=network.drops_every, lasts=network.away)

    def _chance(self, *what: object) -> Chance:
        return Chance(self._seed, self._uid, *what)


def _renewed(start: float, end: float, chance: Chance, *, every: Span, lasts: Span) -> Iterator[Outage]:
    """Outages that begin from `start` to before `end`; the first one at any part of its wait."""
    at = start + every.draw(chance) * _ABOUT.high * chance.random()
    while at < end:
        back = at + lasts.draw(chance)
        yield Outage(at, back)
        at = back + every.draw(chance) * _ABOUT.draw(chance)
