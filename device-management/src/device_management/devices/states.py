"""A device's states: where it is in its life, and what it does."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from shared.contracts.devices import PURGED


class Lifecycle(StrEnum):
    IN_STOCK = "in_stock"
    DEPLOYED = "deployed"
    MAINTENANCE = "maintenance"
    RETIRED = "retired"


TRANSITIONS: Final[Mapping[Lifecycle, frozenset[Lifecycle]]] = {
    Lifecycle.IN_STOCK: frozenset({Lifecycle.DEPLOYED, Lifecycle.MAINTENANCE, Lifecycle.RETIRED}),
    Lifecycle.DEPLOYED: frozenset({Lifecycle.IN_STOCK, Lifecycle.MAINTENANCE, Lifecycle.RETIRED}),
    Lifecycle.MAINTENANCE: frozenset({Lifecycle.IN_STOCK, Lifecycle.DEPLOYED, Lifecycle.RETIRED}),
    Lifecycle.RETIRED: frozenset(),
}
"""Where a device may go from where it is. Staying is no transition: it is asked for again and changes nothing."""


ENDED: Final = frozenset({Lifecycle.RETIRED.value, PURGED})
"""A device that is over: no token of it is good."""


class Status(StrEnum):
    """What is shown; derived, see `shown_status`."""

    IDLE = "idle"
    BUSY = "busy"
    OFFLINE = "offline"
    MAINTENANCE = "maintenance"
    UPDATING = "updating"
    RECOVERING = "recovering"
    ERROR = "error"


def shown_status(*, lifecycle: str, online: bool | None, acting: str | None, reported: str) -> Status:
    """Maintenance while the lifecycle says so, else offline while presence says so, else what it does.

    Presence says nothing (None) of a device that has never connected. `acting` is the status that its running action
    gives it. `models.SHOWN_STATUS` is the same for the database.
    """
    if lifecycle == Lifecycle.MAINTENANCE:
        return Status.MAINTENANCE
    if online is False:
        return Status.OFFLINE
    return Status(acting or reported)
