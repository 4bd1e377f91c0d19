"""The words of the audit log."""

from enum import StrEnum


class ActorKind(StrEnum):
    USER = "user"
    API_KEY = "api_key"
    GATEWAY = "gateway"
    DEVICE = "device"
    SYSTEM = "system"
