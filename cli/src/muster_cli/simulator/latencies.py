"""Latencies of any number of calls in a few hundred counters: each is known to five per cent."""

import math
from collections import Counter

_GROWTH = math.log(1.05)
_SHORTEST_MS = 0.01


class Latencies:
    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._longest_ms = 0.0

    def add(self, seconds: float) -> None:
        ms = max(seconds * 1_000.0, _SHORTEST_MS)
        self._longest_ms = max(self._longest_ms, ms)
        self._counts[int(math.log(ms / _SHORTEST_MS) / _GROWTH)] += 1

    def percentile(self, share: float) -> float | None:
        """Milliseconds within which that share of the calls was answered; None when there was none."""
        wanted = math.ceil(self._counts.total() * share)
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= max(wanted, 1):
                return min(_SHORTEST_MS * math.exp((bucket + 1) * _GROWTH), self._longest_ms)
        return None

    @property
    def longest_ms(self) -> float | None:
        return self._longest_ms if self._counts else None
