"""A message as a consumer sees it, and what it says about one it cannot take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiormq.abc import DeliveredMessage


@dataclass(slots=True)
class Delivery:
    """One delivery. `timestamp` is the publisher's, to the second, in UTC; the publisher may invent all of it.

    `tag` acknowledges it, on the channel it came by and on no other.
    """

    body: bytes
    routing_key: str
    message_id: str | None
    headers: Mapping[str, Any]
    redelivered: bool
    timestamp: datetime | None
    type: str | None = None
    content_type: str | None = None
    tag: int = 0

    @classmethod
    def of(cls, message: DeliveredMessage) -> "Delivery":
        properties = message.header.properties
        timestamp = properties.timestamp
        return cls(
            message.body,
            message.routing_key or "",
            properties.message_id,
            properties.headers or {},
            bool(message.redelivered),
            timestamp.replace(tzinfo=UTC) if timestamp is not None and timestamp.tzinfo is None else timestamp,
            properties.message_type,
            properties.content_type,
            message.delivery_tag or 0,
        )


@dataclass(frozen=True, slots=True)
class Rejected:
    """The delivery at `index` of a batch will never be taken. `reason` ends up in a header: no values, no secrets."""

    index: int
    reason: str
