"""The words of alert rules. Pure."""

from enum import StrEnum


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Kind(StrEnum):
    THRESHOLD = "threshold"
    MISSING = "missing"
    RATE = "rate"
    PRESENCE = "presence"
