"""The states of a delivery, and why a webhook may be off."""

from enum import StrEnum


class DeliveryState(StrEnum):
    """`pending -> delivered | failed`; a replay makes either of them pending again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Disabled(StrEnum):
    """Why the platform itself turned a webhook off."""

    GONE = "gone"
    """The receiver answered 410."""
    FAILING = "failing"
    """Nothing was delivered for days."""
