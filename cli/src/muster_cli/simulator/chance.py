"""Random numbers that follow from a seed and from nothing else, in a hundred bytes: `random.Random` takes 2.5 kB.

SplitMix64 (Steele, Lea and Flood, 2014): the n-th number is a function of the key and of n. So what is asked for by
its number does not depend on what was asked for before, nor on when.
"""

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15
_TO_UNIT = 2.0**-53


class Chance:
    """A stream of random numbers. The same `names` give the same stream, in every process and on every machine."""

    __slots__ = ("_drawn", "_key")

    def __init__(self, *names: object) -> None:
        text = "/".join(str(name) for name in names)
        self._key = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
        self._drawn = 0

    def nth(self, number: int) -> float:
        """The number with that number, from 0 to below 1; the stream stays where it is."""
        mixed = (self._key + (number + 1) * _GAMMA) & _MASK
        mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & _MASK
        return ((mixed ^ mixed >> 31) >> 11) * _TO_UNIT

    def random(self) -> float:
        """The next number, from 0 to below 1."""
        self._drawn += 1
        return self.nth(self._drawn - 1)

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.random()

    def gauss(self, mean: float, deviation: float) -> float:
        """From a normal distribution. Takes two numbers of the stream."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.random()))
        return mean + deviation * radius * math.cos(math.tau * self.random())

    def below(self, end: int) -> int:
        """A whole number from 0 to below `end`."""
        return int(self.random() * end)

    def choice(self, of: Sequence[T]) -> T:
        return of[self.below(len(of))]
