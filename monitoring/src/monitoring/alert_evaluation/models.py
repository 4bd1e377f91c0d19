"""What is found out about one rule and device."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Verdict(Enum):
    HOLDS = "holds"
    BETWEEN = "between"
    """Not bad enough to begin, not good enough to end."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Finding:
    """`value` is what was seen and `threshold` what it is held against.

    `since` says when the condition began to hold, where that is known; `look_at` when it will, if nothing happens.
    """

    verdict: Verdict
    value: float | None = None
    threshold: float | None = None
    since: datetime | None = None
    look_at: datetime | None = None

    @property
    def is_worth_watching(self) -> bool:
        return self.verdict is Verdict.HOLDS or self.look_at is not None
