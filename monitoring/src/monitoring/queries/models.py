"""How a question will be answered."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.queries.states import Resolution


@dataclass(frozen=True, slots=True)
class Span:
    """How far back each resolution goes, and how far ahead there can be samples."""

    raw: datetime
    minute: datetime
    hour: datetime
    end: datetime

    def oldest(self, resolution: Resolution) -> datetime:
        return {Resolution.RAW: self.raw, Resolution.MINUTE: self.minute, Resolution.HOUR: self.hour}[resolution]


@dataclass(frozen=True, slots=True)
class Plan:
    """Read at `resolution` from `start` to before `end`, both cut to whole buckets of `width`.

    `complete_until` is None where nothing waits to be rolled up before it can be read.
    """

    resolution: Resolution
    start: datetime
    end: datetime
    width: timedelta
    complete_until: datetime | None = None
