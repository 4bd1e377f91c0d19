"""A device as the copy holds it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """As of `version`, which is device-management's and only grows. A uid stays with its organization for ever."""

    uid: str
    organization_id: int
    lifecycle: str
    min_token_generation: int
    version: int
