"""How a metric moves: pure functions of the time since the device started, in seconds, and of its random numbers."""

import math
from dataclasses import dataclass
from random import Random
from typing import Protocol

_HOUR_S = 3600.0


class Shape(Protocol):
    def at(self, elapsed: float, random: Random) -> float | bool:
        """The value `elapsed` seconds after the start. Draws the same number of random numbers each time."""
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

    def at(self, elapsed: float, random: Random) -> float:
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

    def at(self, elapsed: float, random: Random) -> float:
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

    def at(self, elapsed: float, random: Random) -> float:
        since = (elapsed / self.period + self.phase) % 1.0
        value = self.quiet + self.burst * math.exp(-since * 12.0) + abs(random.gauss(0.0, self.noise))
        return round(value, self.digits)


@dataclass(frozen=True, slots=True)
class Switch:
    """True for `share` of every period: a door, a compressor."""

    period: float
    share: float
    phase: float = 0.0

    def at(self, elapsed: float, random: Random) -> bool:
        return (elapsed / self.period + self.phase) % 1.0 < self.share
