"""What this process has counted of devices since it started, kept in memory so that it can be told as growing totals.

Totals that only grow can be written twice, late or in any order: the greatest is the newest. Sums over processes are
what was counted in all.
"""

from collections.abc import Mapping
from uuid import uuid4

from monitoring.telemetry.models import Counts

Counted = Mapping[tuple[str, int], Counts]
"""By device and day (in days since 1970)."""


class Totals:
    """At most `bound` devices and days are remembered; past that it begins anew, as another process would."""

    def __init__(self, *, bound: int = 100_000) -> None:
        self._bound = bound
        self._begin()

    def add(self, counted: Counted) -> tuple[str, Counted]:
        """Counts, and returns the process with its totals of what was counted."""
        if len(self._totals) > self._bound:
            self._begin()
        found: dict[tuple[str, int], Counts] = {}
        for place, counts in counted.items():
            before = self._totals.get(place)
            found[place] = self._totals[place] = counts if before is None else before + counts
        return self._process, found

    def take_back(self, process: str, counted: Counted) -> None:
        """Uncounts what could not be told, because it will be counted again."""
        if process == self._process:
            for place, counts in counted.items():
                self._totals[place] -= counts

    def _begin(self) -> None:
        self._process = uuid4().hex[:12]
        self._totals: dict[tuple[str, int], Counts] = {}
