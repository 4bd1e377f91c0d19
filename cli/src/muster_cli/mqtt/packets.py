"""Packets as bytes, without I/O. Section numbers are those of the MQTT 3.1.1 standard."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MAX_PACKET_BYTES = 256 * 1024
_MAX_LENGTH_BYTES = 4

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


class PacketType(IntEnum):
    """2.2.1, those a client that only publishes can receive."""

    CONNACK = 2
    PUBACK = 4
    PINGRESP = 13


class MalformedPacket(Exception):
    """The peer sent bytes that are no MQTT packet, or one above the limit."""


@dataclass(frozen=True)
class Will:
    """What the broker publishes, with QoS 1, when the connection ends without a DISCONNECT."""

    topic: str
    payload: bytes


def connect(*, client_id: str, username: str, password: str, keep_alive: int, will: Will) -> bytes:
    """CONNECT (3.1) with a clean session; `keep_alive` in seconds."""
    flags = 0x80 | 0x40 | 0x08 | 0x04 | 0x02  # user name, password, will QoS 1, will, clean session
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


class PacketReader:
    """Cuts a stream into packets; keeps at most one unfinished packet."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yields (packet type, body) of each packet completed by `data`. Raises MalformedPacket."""
        buffer = self._buffer + data if self._buffer else data
        start = 0
        while (head := _head(buffer, start)) is not None:
            body, end = head
            if end > len(buffer):
                break
            yield buffer[start] >> 4, buffer[body:end]
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


def _text(value: str) -> bytes:
    return _field(value.encode())


def _field(value: bytes) -> bytes:
    return len(value).to_bytes(2) + value
