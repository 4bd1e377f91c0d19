"""Publishing with confirms: a message counts as sent once the broker has confirmed it, and never before."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import cast
from uuid import uuid4

import aiormq
from aiormq.channel import Channel

from shared.messaging.connection import Broker, broker_errors
from shared.messaging.errors import BrokerAway, PublishRefused, PublishUnknown, Unroutable
from shared.messaging.messages import HeaderValue, Message
from shared.messaging.metrics import PUBLISHED
from shared.messaging.windows import Window

__all__ = ["WINDOW", "HeaderValue", "Message", "Publisher"]

WINDOW = 1_000
"""Messages on their way to a confirm at once."""


class Publisher:
    """A channel with confirms on the publishing connection, opened when first needed and again after a loss.

    A channel that leaves something without an answer in time is given up: a late return would be taken for that of the
    same message sent again, and what is never answered would be kept for ever. Windows that use it still end on it.
    """

    def __init__(self, broker: Broker, *, timeout: timedelta = timedelta(seconds=5)) -> None:
        self._broker = broker
        self._timeout_s = timeout.total_seconds()
        self._channel: Channel | None = None
        self._opening: asyncio.Task[Channel] | None = None
        self._windows = Counter[Channel]()
        self._closing: set[asyncio.Task[None]] = set()
        self._on_the_way: dict[str, asyncio.Event] = {}

    async def publish(self, message: Message) -> None:
        """Returns once the broker has confirmed the message.

        Raises Unroutable, PublishRefused, BrokerAway (it was not accepted) or PublishUnknown (no confirm in time).
        """
        [outcome] = await self.publish_all([message])
        if outcome is not None:
            raise outcome

    async def publish_all(self, messages: Sequence[Message]) -> list[Exception | None]:
        """Publishes in order, a window at a time; the outcomes in the same order, None for a confirmed one.

        After a window in which nothing was confirmed the rest is not tried (BrokerAway), so that a call ends.
        """
        outcomes: list[Exception | None] = []
        for window, ids in _windows(messages):
            outcomes += await self._publish_window(window, ids)
            if all(isinstance(outcome, BrokerAway | PublishUnknown) for outcome in outcomes[-len(window) :]):
                outcomes += [BrokerAway("not tried")] * (len(messages) - len(outcomes))
                break
        _count(messages, outcomes)
        return outcomes

    async def _publish_window(self, messages: Sequence[Message], ids: Sequence[str]) -> list[Exception | None]:
        window = Window(messages, ids)
        stopped: Exception = TimeoutError()
        try:
            async with asyncio.timeout(self._timeout_s), self._alone(ids), self._lent(window) as channel:
                await window.send(channel)
        except (*_LOSSES, BrokerAway) as error:
            stopped = error
        return [
            _outcome(window.outcomes.get(place, stopped), message, written=place in window.written)
            for place, message in enumerate(messages)
        ]

    @asynccontextmanager
    async def _alone(self, ids: Sequence[str]) -> AsyncGenerator[None]:
        """aiormq finds a returned message by its id, so an id is on the way only once.

        The channel is taken after this: that of the window before may have been given up.
        """
        while others := {self._on_the_way[one] for one in ids if one in self._on_the_way}:
            for other in others:
                await other.wait()
        settled = asyncio.Event()
        self._on_the_way.update(dict.fromkeys(ids, settled))
        try:
            yield
        finally:
            for one in ids:
                del self._on_the_way[one]
            settled.set()

    @asynccontextmanager
    async def _lent(self, window: Window) -> AsyncGenerator[Channel]:
        """The channel for a window. The last one to leave a channel that was given up closes it."""
        channel = await self._opened()
        self._windows[channel] += 1
        try:
            yield channel
        finally:
            if window.unanswered and channel is self._channel:
                self._channel = None
            self._windows[channel] -= 1
            if not self._windows[channel]:
                del self._windows[channel]
                if channel is not self._channel:
                    self._close(channel)

    async def _opened(self) -> Channel:
        """An open channel. One that the broker is slow to open is for whoever needs it then, and asked for once."""
        if self._channel is not None and not self._channel.is_closed:
            return self._channel
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(_look_at)
        return await asyncio.shield(self._opening)

    async def _open(self) -> Channel:
        with broker_errors():
            connection = self._broker.publishing.current()
            channel = cast("Channel", await connection.channel(on_return_raises=True))
        self._channel = channel
        return channel

    def _close(self, channel: Channel) -> None:
        """In the background: a broker that does not answer is slow to close a channel, too."""
        task = asyncio.create_task(_closed(channel))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _closed(channel: Channel) -> None:
    with suppress(Exception):
        await channel.close()


def _look_at(task: asyncio.Task[Channel]) -> None:
    """Who waited for it may have gone: asyncio would complain of an error that nobody has seen."""
    if not task.cancelled():
        task.exception()


def _windows(messages: Sequence[Message]) -> Iterator[tuple[list[Message], list[str]]]:
    """Windows in order, each with the ids of its messages, which differ."""
    window: list[Message] = []
    ids: dict[str, None] = {}
    for message in messages:
        message_id = message.message_id or uuid4().hex
        if len(window) == WINDOW or message_id in ids:
            yield window, list(ids)
            window, ids = [], {}
        window.append(message)
        ids[message_id] = None
    if window:
        yield window, list(ids)


_LOSSES = (aiormq.AMQPError, aiormq.ChannelInvalidStateError, OSError)
"""TimeoutError is one of OSError's."""

_OUTCOMES: tuple[tuple[type[Exception], type[Exception], str], ...] = (
    (aiormq.PublishError, Unroutable, "no queue wants it"),
    (aiormq.DeliveryError, PublishRefused, "the broker refused it"),
    (aiormq.ChannelInvalidStateError, BrokerAway, "the channel was lost before it was sent"),
    (aiormq.ChannelNotFoundEntity, BrokerAway, "the broker lacks an exchange"),
    (aiormq.AMQPError, PublishUnknown, "the channel was lost before the confirm"),
    (TimeoutError, PublishUnknown, "no confirm in time"),
    (OSError, PublishUnknown, "the connection was lost before the confirm"),
)


def _outcome(error: Exception | None, message: Message, *, written: bool) -> Exception | None:
    """What an error of aiormq means for the message; an error of the message itself stays what it is."""
    for kind, outcome, meaning in _OUTCOMES:
        if isinstance(error, kind):
            where = f"{message.routing_key} to {message.exchange or 'the default exchange'}"
            if not written and outcome is PublishUnknown:
                return BrokerAway(f"{where}: it was not sent")
            return outcome(f"{where}: {meaning}")
    return error


def _count(messages: Sequence[Message], outcomes: Sequence[Exception | None]) -> None:
    counted = Counter(
        (message.exchange, "confirmed" if outcome is None else type(outcome).__name__)
        for message, outcome in zip(messages, outcomes, strict=True)
    )
    for (exchange, outcome), count in counted.items():
        PUBLISHED.labels(exchange, outcome).inc(count)
