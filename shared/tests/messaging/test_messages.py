"""The bytes of a message, beside those that pamqp makes of it."""

from datetime import timedelta

import pytest
from aiormq import spec
from hypothesis import given
from hypothesis import strategies as st
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from shared.messaging.messages import MAX_MESSAGE_BYTES, Message, frames

NAMES = st.text("abc-_.:1", max_size=40)
WORDS = st.text(max_size=60).filter(lambda text: len(text.encode()) <= 255)
MESSAGES = st.builds(
    Message,
    exchange=NAMES,
    routing_key=WORDS,
    body=st.binary(max_size=50),
    headers=st.dictionaries(st.text(min_size=1, max_size=20), st.booleans() | st.integers(-(2**40), 2**40) | WORDS),
    mandatory=st.booleans(),
    persistent=st.booleans(),
    expiration=st.none() | st.timedeltas(timedelta(seconds=-1), timedelta(days=400)),
    content_type=WORDS,
    type=st.none() | WORDS,
)


def by_pamqp(message: Message, message_id: str, *, channel: int, most: int) -> bytes:
    expiration = message.expiration
    properties = spec.Basic.Properties(
        content_type=message.content_type,
        headers=dict(message.headers) or None,
        delivery_mode=2 if message.persistent else 1,
        expiration=None if expiration is None else str(max(0, int(expiration.total_seconds() * 1000))),
        message_id=message_id,
        message_type=message.type,
    )
    body = message.body
    written = (
        spec.Basic.Publish(exchange=message.exchange, routing_key=message.routing_key, mandatory=message.mandatory),
        ContentHeader(properties=properties, body_size=len(body)),
        *(ContentBody(body[start : start + most]) for start in range(0, len(body), most)),
    )
    return b"".join(frame.marshal(one, channel) for one in written)


@given(MESSAGES, WORDS, st.integers(1, 65_535), st.integers(1, 60))
def test_a_message_is_written_as_pamqp_writes_it(message: Message, message_id: str, channel: int, most: int):
    written = frames(message, message_id, channel=channel, most=most)
    assert written == by_pamqp(message, message_id, channel=channel, most=most)


@pytest.mark.parametrize(
    "message",
    [
        Message("events", "k" * 256, b""),
        Message("events", "\u00e4" * 128, b""),
        Message("events", "key", b"", type="t" * 256),
        Message("events", "key", bytes(MAX_MESSAGE_BYTES + 1)),
    ],
)
def test_what_cannot_be_written_is_refused(message: Message):
    with pytest.raises(ValueError, match="at most"):
        frames(message, "id", channel=1, most=100_000)
