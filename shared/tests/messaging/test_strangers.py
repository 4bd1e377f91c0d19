"""Messages whose properties no client of ours would write."""

import struct

import aiormq
import pytest

from shared.messaging.batches import Rejected
from shared.messaging.letters import REASON_HEADER
from shared.messaging.topology import TELEMETRY_QUEUE, dead_letters_of
from shared.testing import eventually

DEAD = dead_letters_of(TELEMETRY_QUEUE)


class Crafted(aiormq.spec.Basic.Properties):
    """Properties that are these bytes."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        super().__init__(message_id="aiormq wants one")
        self.raw = raw

    def marshal(self) -> bytes:
        return self.raw


def _flags(name: str) -> bytes:
    return struct.pack(">H", aiormq.spec.Basic.Properties.flags[name])


def _table(fields: bytes) -> bytes:
    return struct.pack(">I", len(fields)) + fields


def _nested(depth: int) -> bytes:
    fields = b""
    for _ in range(depth):
        fields = b"\x01aF" + _table(fields)
    return _table(fields)


CRAFTED = {
    "a message id that is not UTF-8": _flags("message_id") + b"\x02\xff\xfe",
    "a time past the year 9999": _flags("timestamp") + struct.pack(">Q", 2**63),
    "tables in tables": _flags("headers") + _nested(5_000),
    "a header name that is not UTF-8": _flags("headers") + _table(b"\x01\xffI\x00\x00\x00\x01"),
    "headers of every kind": _flags("headers")
    + _table(b"\x01aV" + b"\x01bt\x01" + b"\x01cd" + bytes(8) + b"\x01dx\x00\x00\x00\x01\xff" + b"\x01eT" + bytes(8)),
}


@pytest.mark.parametrize("name", CRAFTED)
async def test_strange_properties_stop_neither_the_message_nor_the_others(name: str, raw, consume, declared):
    seen: list[bytes] = []

    async def handle(deliveries):
        seen.extend(delivery.body for delivery in deliveries)
        return [Rejected(index, "poison") for index, one in enumerate(deliveries) if one.body == b"strange"]

    consume(handler=handle)
    await raw.put(TELEMETRY_QUEUE, b"before")
    await raw.channel.basic_publish(b"strange", routing_key=TELEMETRY_QUEUE, properties=Crafted(CRAFTED[name]))
    await raw.put(TELEMETRY_QUEUE, b"after")
    await eventually(lambda: seen == [b"before", b"strange", b"after"])

    async def buried() -> bool:
        return await raw.ready(DEAD) == 1

    await eventually(buried)
    letter = await raw.take(DEAD)
    assert letter.header.properties.headers[REASON_HEADER] == "poison"
