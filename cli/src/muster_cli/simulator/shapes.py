"""How a metric moves: by the time since the device started, in seconds, by its random numbers, and by where it was."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from muster_cli.simulator.chance import Chance

_HOUR_S = 3600.0

Value = int | float | bool | str


class Shape(Protocol):
    def at(self, elapsed: float, random: Chance) -> Value:
        """The value `elapsed` seconds after the start; it is asked for in the order of time."""
        ...


@dataclass(frozen=True, slots=True)
class Wave:
    """A slow sine around `base`, with a small steady `drift` an hour, and noise; kept within `low` and `high`."""

    base: float
    amplitude: float
    period: float
    noise: float
    phase: float = 0.0
    drift: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    digits: int = 2

    def at(self, elapsed: float, random: Chance) -> float:
        swing = self.amplitude * math.sin(2 * math.pi * (elapsed / self.period + self.phase))
        value = self.base + swing + self.drift * elapsed / _HOUR_S + random.gauss(0.0, self.noise)
        return round(min(max(value, self.low), self.high), self.digits)


@dataclass(frozen=True, slots=True)
class Battery:
    """Per cent of charge: falls from `full` to `empty` in `discharge` seconds, then is charged in a tenth of that."""

    full: float
    empty: float
    discharge: float
    phase: float = 0.0

    def at(self, elapsed: float, random: Chance) -> float:
        cycle = (elapsed / self.discharge + self.phase * 1.1) % 1.1
        share = cycle if cycle <= 1.0 else (1.1 - cycle) * 10.0
        return round(self.full - (self.full - self.empty) * share + random.uniform(-0.05, 0.05), 1)


@dataclass(frozen=True, slots=True)
class Bursts:
    """A quiet level and now and then a burst above it that fades: bearings, traffic, wind."""

    quiet: float
    burst: float
    period: float
    noise: float
    phase: float = 0.0
    digits: int = 2

    def at(self, elapsed: float, random: Chance) -> float:
        since = (elapsed / self.period + self.phase) % 1.0
        value = self.quiet + self.burst * math.exp(-since * 12.0) + abs(random.gauss(0.0, self.noise))
        return round(value, self.digits)


@dataclass(frozen=True, slots=True)
class Switch:
    """True for `share` of every period: a door, a compressor."""

    period: float
    share: float
    phase: float = 0.0

    def at(self, elapsed: float, random: Chance) -> bool:
        return (elapsed / self.period + self.phase) % 1.0 < self.share


@dataclass(slots=True)
class Walk:
    """Goes on from where it is, by `step` a sample (standard deviation), and turns back at `low` and `high`."""

    value: float
    step: float
    low: float = -math.inf
    high: float = math.inf
    digits: int = 2

    def at(self, elapsed: float, random: Chance) -> float:
        moved = self.value + random.gauss(0.0, self.step)
        if not self.low <= moved <= self.high:
            moved = 2.0 * self.value - moved
        self.value = min(max(moved, self.low), self.high)
        return round(self.value, self.digits)


@dataclass(frozen=True, slots=True)
class Steps:
    """One level after the other, each for `lasts` seconds, and from the first again."""

    levels: Sequence[float]
    lasts: float
    noise: float = 0.0
    phase: float = 0.0
    digits: int = 2

    def at(self, elapsed: float, random: Chance) -> float:
        level = self.levels[int(elapsed / self.lasts + self.phase * len(self.levels)) % len(self.levels)]
        return round(level + random.gauss(0.0, self.noise), self.digits)


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same, but for the noise of what is a number."""

    value: Value
    noise: float = 0.0
    digits: int = 2

    def at(self, elapsed: float, random: Chance) -> Value:
        if isinstance(self.value, bool | str):
            return self.value
        return round(self.value + random.gauss(0.0, self.noise), self.digits)


@dataclass(slots=True)
class Choice:
    """One of several, drawn anew every `lasts` seconds."""

    of: Sequence[Value]
    lasts: float
    _turn: int = -1
    _value: Value = False

    def at(self, elapsed: float, random: Chance) -> Value:
        turn = int(elapsed / self.lasts)
        if turn != self._turn:
            self._turn, self._value = turn, random.choice(self.of)
        return self._value


@dataclass(slots=True)
class Counter:
    """Only grows, by about `per_second` with `noise` (a share of that), until it rolls over to nothing."""

    value: float
    per_second: float
    noise: float = 0.0
    rolls_over: float = math.inf
    _at: float = 0.0

    def at(self, elapsed: float, random: Chance) -> float:
        grown = self.per_second * (elapsed - self._at) * max(random.gauss(1.0, self.noise), 0.0)
        self._at = elapsed
        self.value = (self.value + grown) % self.rolls_over
        return math.floor(self.value)
