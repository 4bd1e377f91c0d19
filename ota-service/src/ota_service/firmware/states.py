"""A firmware's states. Only an approved one may be installed."""

from enum import StrEnum


class FirmwareState(StrEnum):
    UPLOADED = "uploaded"
    APPROVED = "approved"
