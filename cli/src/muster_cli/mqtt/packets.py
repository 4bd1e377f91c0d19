"""Packets as bytes, without I/O. Section numbers are those of the MQTT 3.1.1 standard."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

MAX_PACKET_BYTES = 256 * 1024
_MAX_LENGTH_BYTES = 4

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


class PacketType(IntEnum):
    """2.2.1, those that a client receives which publishes and subscribes with QoS 1 at most."""

    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBACK = 9
    PINGRESP = 13


class MalformedPacket(Exception):
    """The peer sent bytes that are no MQTT packet, one that it must not send, or one above the limit."""


@dataclass(frozen=True)
class Will:
    """What the broker publishes when the connection ends without a DISCONNECT.

    With QoS 0: it is a hint, for the platform goes by the broker's own news of connections, and for one with QoS 1
    RabbitMQ opens a channel when the device has gone.
    """

    topic: str
    payload: bytes


class Delivery(NamedTuple):
    """A received PUBLISH. `packet_id` is what PUBACK confirms; None with QoS 0."""

    topic: str
    payload: bytes
    packet_id: int | None


def connect(*, client_id: str, username: str, password: str, keep_alive: int, will: Will) -> bytes:
    """CONNECT (3.1) with a clean session; `keep_alive` in seconds."""
    flags = 0x80 | 0x40 | 0x04 | 0x02  # user name, password, will with QoS 0, clean session
    body = b"".join(
        (
            _text("MQTT"),
            bytes((4, flags)),
            keep_alive.to_bytes(2),
            _text(client_id),
            _text(will.topic),
            _field(will.payload),
            _text(username),
            _text(password),
        )
    )
    return b"\x10" + _length(len(body)) + body


def publish(*, topic: str, payload: bytes, packet_id: int) -> bytes:
    """PUBLISH (3.3) with QoS 1, not retained."""
    name = _text(topic)
    return b"\x32" + _length(len(name) + 2 + len(payload)) + name + packet_id.to_bytes(2) + payload


def subscribe(*, topic: str, packet_id: int) -> bytes:
    """SUBSCRIBE (3.8) to one topic filter with QoS 1."""
    name = _text(topic)
    return b"\x82" + _length(2 + len(name) + 1) + packet_id.to_bytes(2) + name + b"\x01"


def puback(packet_id: int) -> bytes:
    """PUBACK (3.4)."""
    return b"\x40\x02" + packet_id.to_bytes(2)


def read_connack(body: bytes) -> int:
    """The return code of CONNACK (3.2); 0 is success. Raises MalformedPacket."""
    return _of_length(2, body)[1]


def read_puback(body: bytes) -> int:
    """The packet id that PUBACK (3.4) confirms. Raises MalformedPacket."""
    return int.from_bytes(_of_length(2, body))


def read_suback(body: bytes) -> tuple[int, int]:
    """The packet id and the return code of SUBACK (3.9) for one topic filter. Raises MalformedPacket."""
    _of_length(3, body)
    return int.from_bytes(body[:2]), body[2]


def read_publish(flags: int, body: bytes) -> Delivery:
    """PUBLISH (3.3) as a subscriber with QoS 1 may receive it. Raises MalformedPacket."""
    qos = flags >> 1 & 0x03
    if qos > 1:
        raise MalformedPacket(f"a message with QoS {qos}")
    end = 2 + int.from_bytes(body[:2])
    start = end + 2 * qos
    if len(body) < max(2, start):
        raise MalformedPacket("a message that ends before its payload")
    packet_id = int.from_bytes(body[end:start]) if qos else None
    if packet_id == 0:
        raise MalformedPacket("a packet id of 0")
    try:
        topic = body[2:end].decode()
    except UnicodeDecodeError:
        raise MalformedPacket("a topic that is no UTF-8") from None
    return Delivery(topic, body[start:], packet_id)


class PacketReader:
    """Cuts a stream into packets; keeps at most one unfinished packet."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yields (packet type, flags, body) of each packet completed by `data`. Raises MalformedPacket."""
        buffer = self._buffer + data if self._buffer else data
        start = 0
        while (head := _head(buffer, start)) is not None:
            body, end = head
            if end > len(buffer):
                break
            yield buffer[start] >> 4, buffer[start] & 0x0F, buffer[body:end]
            start = end
        self._buffer = buffer[start:]


def _head(buffer: bytes, start: int) -> tuple[int, int] | None:
    """Where the body of the packet at `start` begins and ends (2.2.3); None while its length is not all there."""
    length = 0
    for index in range(_MAX_LENGTH_BYTES):
        at = start + 1 + index
        if at >= len(buffer):
            return None
        length |= (buffer[at] & 0x7F) << (7 * index)
        if buffer[at] < 0x80:
            if length > MAX_PACKET_BYTES:
                raise MalformedPacket(f"a packet of {length} bytes")
            return at + 1, at + 1 + length
    raise MalformedPacket("a remaining length of more than four bytes")


def _length(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, low = divmod(value, 128)
        encoded.append(low | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def _of_length(length: int, body: bytes) -> bytes:
    if len(body) != length:
        raise MalformedPacket(f"a packet of {len(body)} bytes in place of {length}")
    return body


def _text(value: str) -> bytes:
    return _field(value.encode())


def _field(value: bytes) -> bytes:
    return len(value).to_bytes(2) + value
