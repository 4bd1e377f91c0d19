"""An organization as the copy holds it, and the classes of retention."""

from dataclasses import dataclass

SHORT, STANDARD, LONG = "short", "standard", "long"


@dataclass(frozen=True, slots=True)
class Organization:
    """As of `version`, which is device-management's and only grows."""

    organization_id: int
    telemetry_retention: str
    version: int


@dataclass(frozen=True, slots=True)
class Retention:
    """A class of retention: for how many days before today samples are kept and can be read."""

    name: str
    days: int
