"""The states of an organization, and its classes of retention."""

from enum import StrEnum


class OrganizationStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class TelemetryRetention(StrEnum):
    """How long raw telemetry is kept; monitoring's settings say how many days each is."""

    SHORT = "short"
    STANDARD = "standard"
    LONG = "long"
