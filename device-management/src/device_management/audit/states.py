"""The words of the audit log."""

from enum import StrEnum


class ActorKind(StrEnum):
    USER = "user"
    DEVICE = "device"
    SYSTEM = "system"
