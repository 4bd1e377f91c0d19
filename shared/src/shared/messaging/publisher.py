"""Publishing with confirms: a message counts as sent once the broker has confirmed it, and never before."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import aiormq
from aiormq import spec
from aiormq.abc import AbstractChannel

from shared.messaging.connection import Broker, broker_errors
from shared.messaging.errors import BrokerAway, PublishRefused, PublishUnknown, Unroutable
from shared.messaging.metrics import PUBLISHED

HeaderValue = str | int | bool
WINDOW = 500
"""Messages on their way to a confirm at once."""


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


class Publisher:
    """A channel with confirms on the publishing connection, opened when first needed and again after a loss."""

    def __init__(self, broker: Broker, *, timeout: timedelta = timedelta(seconds=5)) -> None:
        self._broker = broker
        self._timeout_s = timeout.total_seconds()
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._on_the_way: dict[str, asyncio.Future[None]] = {}

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
        for start in range(0, len(messages), WINDOW):
            window = messages[start : start + WINDOW]
            outcomes += await self._publish_window(window)
            if all(isinstance(outcome, BrokerAway | PublishUnknown) for outcome in outcomes[start:]):
                outcomes += [BrokerAway("not tried")] * (len(messages) - len(outcomes))
                break
        _count(messages, outcomes)
        return outcomes

    async def _publish_window(self, window: Sequence[Message]) -> list[Exception | None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                channel = await self._opened()
        except (BrokerAway, TimeoutError) as error:
            away = error if isinstance(error, BrokerAway) else BrokerAway("the broker opened no channel in time")
            return [away] * len(window)
        sending = [asyncio.create_task(self._send(channel, message)) for message in window]
        try:
            await asyncio.wait(sending, timeout=self._timeout_s)
        finally:
            late = [task for task in sending if not task.done()]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        # Cancelled are those that came too late, and by aiormq those whose connection missed its heartbeats.
        return [PublishUnknown("no confirm in time") if task.cancelled() else task.result() for task in sending]

    async def _opened(self) -> AbstractChannel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                with broker_errors():
                    connection = self._broker.publishing.current()
                    self._channel = await connection.channel(on_return_raises=True)
            return self._channel

    async def _send(self, channel: AbstractChannel, message: Message) -> Exception | None:
        """One message and its confirm. aiormq finds a returned message by its id, so an id is on the way only once."""
        message_id = message.message_id or uuid4().hex
        while (other := self._on_the_way.get(message_id)) is not None:
            await asyncio.wait([other])
        settled = self._on_the_way[message_id] = asyncio.get_running_loop().create_future()
        try:
            return await _confirmed(channel, message, message_id)
        finally:
            del self._on_the_way[message_id]
            settled.set_result(None)


async def _confirmed(channel: AbstractChannel, message: Message, message_id: str) -> Exception | None:
    try:
        await channel.basic_publish(
            message.body,
            exchange=message.exchange,
            routing_key=message.routing_key,
            mandatory=message.mandatory,
            properties=_properties(message, message_id),
        )
    except Exception as error:  # noqa: BLE001 - what stops one message must not stop its window
        return _outcome(error, message)
    return None


_OUTCOMES: tuple[tuple[type[Exception], type[Exception], str], ...] = (
    (aiormq.PublishError, Unroutable, "no queue wants it"),
    (aiormq.DeliveryError, PublishRefused, "the broker refused it"),
    (aiormq.ChannelInvalidStateError, BrokerAway, "the channel was lost before it was sent"),
    (aiormq.ChannelNotFoundEntity, BrokerAway, "the broker lacks an exchange"),
    (aiormq.AMQPError, PublishUnknown, "the channel was lost before the confirm"),
    (OSError, PublishUnknown, "the connection was lost before the confirm"),
)


def _outcome(error: Exception, message: Message) -> Exception:
    """What an error of aiormq means for the message; an error of the message itself stays what it is."""
    for kind, outcome, meaning in _OUTCOMES:
        if isinstance(error, kind):
            return outcome(f"{message.routing_key} to {message.exchange or 'the default exchange'}: {meaning}")
    return error


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


def _count(messages: Sequence[Message], outcomes: Sequence[Exception | None]) -> None:
    counted = Counter(
        (message.exchange, "confirmed" if outcome is None else type(outcome).__name__)
        for message, outcome in zip(messages, outcomes, strict=True)
    )
    for (exchange, outcome), count in counted.items():
        PUBLISHED.labels(exchange, outcome).inc(count)
