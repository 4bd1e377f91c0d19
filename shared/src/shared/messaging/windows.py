"""A window of messages on their way to a confirm: written at once, settled one by one.

aiormq's `basic_publish` takes a lock and several futures for each message, one after the other. Here what it finds
under a delivery tag, when the broker confirms, refuses or returns a message, is that message's place in the window.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import aiormq
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel

from shared.messaging.connection import closing
from shared.messaging.messages import Message, frames

_PART_BYTES = 256 * 1024
"""Written in one piece, and taken by the socket before the next one: a broker that does not read fills no memory."""


class Window:
    """`outcomes` are those known so far, by place: None for a confirmed message, else what stopped it.

    Places not in `written` have not reached the connection.
    """

    def __init__(self, messages: Sequence[Message], ids: Sequence[str]) -> None:
        """`ids` are the messages', and differ from all others on the channel's way: returns are found by them."""
        self.outcomes: dict[int, Exception | None] = {}
        self.written: set[int] = set()
        self._messages = messages
        self._ids = ids
        self._all_settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def unanswered(self) -> bool:
        """Whether the broker may still confirm, refuse or return some of what was written."""
        return not self.written <= self.outcomes.keys()

    async def send(self, channel: Channel) -> None:
        """Writes all in order and waits until all are settled. Raises what the channel was lost by."""
        lost = closing(channel)
        try:
            async with channel.lock:
                for payload, places in self._parts(channel):
                    await self._write(channel, payload, places, lost)
            await _unless(lost, self._all_settled)
        finally:
            lost.cancel()
            for place in self.written:
                channel.message_id_delivery_tag.pop(self._ids[place], None)

    def settle(self, place: int, outcome: Exception | None) -> None:
        self.outcomes[place] = outcome
        if len(self.outcomes) == len(self._messages) and not self._all_settled.done():
            self._all_settled.set_result(None)

    def _parts(self, channel: Channel) -> list[tuple[bytearray, list[int]]]:
        """What is written in one piece, and the places in it; messages that cannot be written are settled here."""
        parts: list[tuple[bytearray, list[int]]] = []
        for place, message in enumerate(self._messages):
            try:
                written = frames(message, self._ids[place], channel=channel.number, most=channel.max_content_size)
            except Exception as error:  # noqa: BLE001 - what stops one message must not stop its window
                self.settle(place, error)
                continue
            if not parts or len(parts[-1][0]) >= _PART_BYTES:
                parts.append((bytearray(), []))
            parts[-1][0].extend(written)
            parts[-1][1].append(place)
        return parts

    async def _write(
        self, channel: Channel, payload: bytearray, places: Sequence[int], lost: asyncio.Future[None]
    ) -> None:
        drained: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        writing = cast("asyncio.Queue[ChannelFrame]", channel.write_queue)  # pyright: ignore[reportUnknownMemberType]  # aiormq says Queue
        await writing.put(ChannelFrame(bytes(payload), should_close=False, drain_future=drained))
        # Nothing else runs from here to the last tag, so that no confirm comes before its place.
        self.written.update(places)
        confirmations = cast("dict[int, Any]", channel.confirmations)
        for place in places:
            channel.delivery_tag += 1
            confirmations[channel.delivery_tag] = _Place(self, place)
            channel.message_id_delivery_tag[self._ids[place]] = channel.delivery_tag
        await _unless(lost, drained)


class _Place:
    """Stands for a message where aiormq looks for its future."""

    __slots__ = ("_place", "_window")

    def __init__(self, window: Window, place: int) -> None:
        self._window = window
        self._place = place

    def done(self) -> bool:
        return self._place in self._window.outcomes

    def cancelled(self) -> bool:
        return False

    def set_result(self, _confirmed: object) -> None:
        self._window.settle(self._place, None)

    def set_exception(self, error: Exception) -> None:
        self._window.settle(self._place, error)


async def _unless(lost: asyncio.Future[None], future: asyncio.Future[None]) -> None:
    """Waits for the future. Raises an AMQPError or OSError when the channel is lost first."""
    await asyncio.wait([future, lost], return_when=asyncio.FIRST_COMPLETED)
    if not future.done():
        reason = None if lost.cancelled() else lost.exception()
        raise reason if isinstance(reason, aiormq.AMQPError | OSError) else ConnectionError("the channel was closed")
