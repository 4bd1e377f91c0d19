"""A firmware's states. Only an approved one may be installed, and a withdrawn one never again."""

from enum import StrEnum


class FirmwareState(StrEnum):
    UPLOADED = "uploaded"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"
