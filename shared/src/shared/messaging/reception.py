"""Deliveries cut out of what a connection receives, before aiormq reads it.

aiormq awaits three times for each frame, takes the three frames of a message through a queue and makes a task of it: at
full load a third and more of a worker's processor time. Here whole deliveries to whoever asked for them are taken out
of each piece that the socket hands over. Every other frame goes on to aiormq as it came, and so does everything from
the first frame on that does not end like one: aiormq says what is wrong with it.
"""

import asyncio
import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, SupportsIndex

import aiormq
from aiormq.connection import URL  # pyright: ignore[reportPrivateImportUsage]  # yarl's, as aiormq hands it on
from pamqp.header import ContentHeader

from shared.messaging.deliveries import Delivery

Take = Callable[[Delivery], None]
"""Is called for each delivery, in order; neither waits nor raises."""

_FRAME = struct.Struct(">BHI")
_METHOD, _HEADER, _BODY, _HEARTBEAT = 1, 2, 3, 8
_KINDS = frozenset({_METHOD, _HEADER, _BODY, _HEARTBEAT})
_END = 0xCE
_FRAMING = _FRAME.size + 1
_BASIC_DELIVER = struct.pack(">HH", 60, 60)
_TAG_AND_FLAGS = struct.Struct(">QB")
_BODY_SIZE = struct.Struct(">Q")
_BODY_SIZE_AT, _PROPERTIES_AT = 4, 12
_A_HEARTBEAT = _FRAME.pack(_HEARTBEAT, 0, 0) + bytes([_END])
_LIMIT = 64 * 1024
_SMALL = 256
"""Bytes of properties that are worth remembering, and that a stranger may fill memory with."""


class _Properties(NamedTuple):
    message_id: str | None
    headers: Mapping[str, Any]
    timestamp: datetime | None
    type: str | None
    content_type: str | None


class _UnderWay:
    """A delivery of which not all frames have come."""

    __slots__ = ("body", "missing", "properties", "redelivered", "routing_key", "tag", "take")

    def __init__(self, take: Take, tag: int, routing_key: str, *, redelivered: bool) -> None:
        self.take = take
        self.tag = tag
        self.routing_key = routing_key
        self.redelivered = redelivered
        self.properties = b""
        self.missing = 0
        self.body = b""

    def hand_over(self) -> None:
        told = remembered(self.properties) if len(self.properties) <= _SMALL else _properties(self.properties)
        self.take(
            Delivery(
                self.body,
                self.routing_key,
                told.message_id,
                told.headers,
                self.redelivered,
                told.timestamp,
                told.type,
                told.content_type,
                self.tag,
            )
        )


class Reception(asyncio.StreamReader):
    """What aiormq reads of a connection: all but the deliveries that others take."""

    def __init__(self) -> None:
        super().__init__(limit=_LIMIT, loop=asyncio.get_running_loop())
        self._takers: dict[int, tuple[bytes, Take]] = {}
        self._under_way: dict[int, _UnderWay] = {}
        self._cut_off: bytes = b""
        self._is_broken = False

    def divert(self, channel: int, consumer_tag: str, take: Take) -> None:
        """From now on `take` has what is delivered to this consumer, until the channel's number gets another one."""
        self._takers[channel] = consumer_tag.encode(), take
        self._under_way.pop(channel, None)

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        if self._is_broken:
            super().feed_data(data)
            return
        stream = self._cut_off + bytes(data)
        end, at, kept_from = len(stream), 0, 0
        has_diverted = False
        while end - at >= _FRAMING:
            kind, channel, size = _FRAME.unpack_from(stream, at)
            behind = at + size + _FRAMING
            if kind not in _KINDS or (behind <= end and stream[behind - 1] != _END):
                self._is_broken, at = True, end
                break
            if behind > end:
                break
            if channel in self._takers and self._is_diverted(kind, channel, stream, at + _FRAME.size, behind - 1):
                if kept_from < at:
                    super().feed_data(stream[kept_from:at])
                kept_from, has_diverted = behind, True
            at = behind
        if kept_from < at:
            super().feed_data(stream[kept_from:at])
        self._cut_off = stream[at:]
        if has_diverted:
            # For aiormq, which ends a connection that is silent: a busy broker sends no heartbeats.
            super().feed_data(_A_HEARTBEAT)

    def feed_eof(self) -> None:
        cut_off, self._cut_off = self._cut_off, b""
        if cut_off:
            super().feed_data(cut_off)
        super().feed_eof()

    def _is_diverted(self, kind: int, channel: int, data: bytes, start: int, end: int) -> bool:
        """Takes the frame with this payload if it belongs to a delivery that is diverted."""
        if kind == _METHOD:
            return data.startswith(_BASIC_DELIVER, start) and self._begins(channel, data, start + len(_BASIC_DELIVER))
        one = self._under_way.get(channel)
        if one is None:
            return False
        if kind == _HEADER:
            (one.missing,) = _BODY_SIZE.unpack_from(data, start + _BODY_SIZE_AT)
            one.properties = data[start + _PROPERTIES_AT : end]
        else:
            part = data[start:end]
            one.body = one.body + part if one.body else part
            one.missing -= len(part)
        if one.missing <= 0:
            del self._under_way[channel]
            one.hand_over()
        return True

    def _begins(self, channel: int, data: bytes, at: int) -> bool:
        """`at` is where the arguments of Basic.Deliver begin: tags, redelivered, exchange and routing key."""
        consumer_tag, take = self._takers[channel]
        at, behind = at + 1, at + 1 + data[at]
        if data[at:behind] != consumer_tag:
            return False
        tag, flags = _TAG_AND_FLAGS.unpack_from(data, behind)
        exchange = behind + _TAG_AND_FLAGS.size
        key = exchange + 1 + data[exchange]
        routing_key = data[key + 1 : key + 1 + data[key]].decode(errors="replace")
        self._under_way[channel] = _UnderWay(take, tag, routing_key, redelivered=bool(flags & 1))
        return True


class Transport(aiormq.TransportFactory):
    """Connects as aiormq does, and keeps the connection's reception."""

    def __init__(self) -> None:
        self.reception = Reception()

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises AMQPConnectionError."""
        contexts: aiormq.SSLContextProvider = kwargs.pop("ssl_context_provider")
        context = await contexts.get_context() if url.scheme == "amqps" else None
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(self.reception, loop=loop)
        try:
            transport, _ = await loop.create_connection(
                lambda: protocol, host=url.host or "", port=url.port or 0, ssl=context
            )
        except OSError as error:
            raise aiormq.AMQPConnectionError(*error.args) from error
        return self.reception, asyncio.StreamWriter(transport, protocol, self.reception, loop)


def _properties(encoded: bytes) -> _Properties:
    header = ContentHeader()
    header.unmarshal(bytes(_PROPERTIES_AT) + encoded)
    found = header.properties
    at = found.timestamp
    return _Properties(
        message_id=found.message_id,
        headers=found.headers or {},
        timestamp=at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at,
        type=found.message_type,
        content_type=found.content_type,
    )


remembered = lru_cache(maxsize=1_024)(_properties)
"""Of a fleet's messages most have the same."""
