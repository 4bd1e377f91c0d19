"""A device's states: where it is in its life, and what it does."""

from enum import StrEnum


class Lifecycle(StrEnum):
    IN_STOCK = "in_stock"
    DEPLOYED = "deployed"
    MAINTENANCE = "maintenance"
    RETIRED = "retired"


class Status(StrEnum):
    """What is shown; derived, see `rules.shown_status`."""

    IDLE = "idle"
    BUSY = "busy"
    OFFLINE = "offline"
    MAINTENANCE = "maintenance"
    UPDATING = "updating"
    RECOVERING = "recovering"
    ERROR = "error"
