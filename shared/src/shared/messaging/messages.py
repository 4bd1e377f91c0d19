"""What is published, and the bytes that AMQP makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from aiormq import spec
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

HeaderValue = str | int | bool

MAX_MESSAGE_BYTES = 1024 * 1024
"""Of a body, for a consumer holds thousands. The broker knows it as `max_message_size` and cuts off who sends more."""

_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Message:
    """What is published. `mandatory` asks for an error when no queue wants it; `expiration` is its time to live."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str | None = None
    headers: Mapping[str, HeaderValue] = field(default_factory=dict[str, HeaderValue])
    mandatory: bool = True
    persistent: bool = True
    expiration: timedelta | None = None
    content_type: str = "application/json"
    type: str | None = None


def frames(message: Message, message_id: str, *, channel: int, most: int) -> bytes:
    """The frames of one publish on a channel of that number, with at most `most` bytes of the body in each.

    Raises ValueError for a message that cannot be written.
    """
    body = message.body
    if len(message.routing_key.encode()) > _LONGEST_KEY:
        raise ValueError(f"a routing key has at most {_LONGEST_KEY} bytes")
    if len(body) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message has at most {MAX_MESSAGE_BYTES} bytes")
    publish = spec.Basic.Publish(
        exchange=message.exchange, routing_key=message.routing_key, mandatory=message.mandatory
    )
    header = ContentHeader(properties=_properties(message, message_id), body_size=len(body))
    pieces = (ContentBody(body[start : start + most]) for start in range(0, len(body), most))
    return b"".join(frame.marshal(one, channel) for one in (publish, header, *pieces))


def _properties(message: Message, message_id: str) -> spec.Basic.Properties:
    expiration = message.expiration
    return spec.Basic.Properties(
        content_type=message.content_type,
        delivery_mode=2 if message.persistent else 1,
        message_id=message_id,
        message_type=message.type,
        headers=dict(message.headers) if message.headers else None,
        expiration=None if expiration is None else str(max(0, int(expiration.total_seconds() * 1000))),
    )
