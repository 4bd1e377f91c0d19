"""The words in which questions are asked."""

from datetime import timedelta
from enum import StrEnum


class Resolution(StrEnum):
    RAW = "raw"
    MINUTE = "minute"
    HOUR = "hour"

    @property
    def unit(self) -> timedelta:
        """The shortest time that it tells apart."""
        return {
            Resolution.RAW: timedelta(seconds=1),
            Resolution.MINUTE: timedelta(minutes=1),
            Resolution.HOUR: timedelta(hours=1),
        }[self]


class By(StrEnum):
    """Whether each device has a series of its own or all have one together."""

    DEVICE = "device"
    ALL = "all"


class Order(StrEnum):
    TOP = "top"
    BOTTOM = "bottom"


class Statistic(StrEnum):
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    LAST = "last"
    COUNT = "count"


class FileFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
