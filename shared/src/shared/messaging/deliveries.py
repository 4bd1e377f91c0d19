"""A message as a consumer sees it, and what it says about one it cannot take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


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


@dataclass(frozen=True, slots=True)
class Rejected:
    """The delivery at `index` of a batch will never be taken. `reason` ends up in a header: no values, no secrets."""

    index: int
    reason: str
