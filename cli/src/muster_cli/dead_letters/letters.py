"""Dead letters as they lie on the broker: count, look, replay, drop.

A look takes letters without acknowledging them, and the broker puts them back in their place. A quorum queue counts
that as a delivery and drops a letter at its limit, so one that was looked at often is put back as a copy, with its
count begun anew. Replay and that copy are published with a confirm before the letter is acknowledged: whoever dies in
between leaves two of it, never none.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import aiormq
from aiormq import spec
from aiormq.abc import AbstractChannel, DeliveredMessage

from muster_cli.errors import Refused, Unreachable
from shared.contracts.routes import DEVICES_EXCHANGE, uid_from_key
from shared.messaging.connection import broker_errors
from shared.messaging.errors import BrokerAway
from shared.messaging.letters import REASON_HEADER, RETRIES_HEADER, ROUTING_KEY_HEADER
from shared.messaging.properties import sent_on, survive_strangers
from shared.messaging.topology import (
    BINDINGS,
    CONSUMED_QUEUES,
    EVENT_DELIVERY_LIMIT,
    PRESENCE_QUEUE,
    dead_letters_of,
)

_TIMEOUT_S = 10.0
_ALL = 0
"""The delivery tag that stands for all that are not acknowledged."""

_DEATHS = "x-death"
_DELIVERIES = "x-delivery-count"
_LOOKED_AT_OFTEN = EVENT_DELIVERY_LIMIT // 2
_OF_DEVICES = frozenset(binding.queue for binding in BINDINGS if binding.exchange == DEVICES_EXCHANGE)


@dataclass(frozen=True)
class Letter:
    """`reason` is why it was given up, `routing_key` how it first came; `tag` is good on the channel it came by."""

    id: str
    queue: str
    reason: str
    routing_key: str | None
    type: str | None
    body: bytes
    tag: int
    headers: dict[str, Any]
    content_type: str | None
    deliveries: int


class DeadLetters:
    """Every method raises Refused for a queue that no consumer has, and Unreachable when the broker goes away."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncGenerator["DeadLetters"]:
        """`url` is AMQP's, with an operator's credentials."""
        survive_strangers()
        try:
            with broker_errors():
                async with asyncio.timeout(_TIMEOUT_S):
                    connection = await aiormq.connect(url)
                try:
                    yield cls(await connection.channel(publisher_confirms=True, on_return_raises=True))
                finally:
                    await connection.close()
        except (BrokerAway, TimeoutError) as error:
            why = error.detail if isinstance(error, BrokerAway) else "it did not answer in time"
            raise Unreachable(f"the broker cannot be asked: {why}", "check MUSTER_AMQP_URL, or `make status`") from None

    async def counts(self) -> dict[str, int]:
        """How many dead letters there are, by the name of the consumer's queue."""
        asked = [(one.name, await self._declared(dead_letters_of(one.name))) for one in CONSUMED_QUEUES]
        return {name: answer.message_count or 0 for name, answer in asked}

    async def unread(self) -> list[str]:
        """The consumers' queues that nobody reads at present."""
        asked = [(one.name, await self._declared(one.name)) for one in CONSUMED_QUEUES]
        return [name for name, answer in asked if not answer.consumer_count]

    async def look(self, queue: str, *, limit: int) -> list[Letter]:
        """The oldest of them, at most `limit`; they stay."""
        looked: list[Letter] = []
        async with self._taken(queue, limit) as letters:
            async for letter in letters:
                looked.append(letter)
                if letter.deliveries >= _LOOKED_AT_OFTEN:
                    await self._send(letter, "", dead_letters_of(queue), sent_on(letter.headers))
                    await self._channel.basic_ack(letter.tag)
        return looked

    async def replay(self, queue: str, ids: Collection[str] | None) -> int:
        """Gives letters to their consumer again, as if they had never been retried. Answers how many.

        All that are there now, or those of `ids`. What devices have sent comes under the routing key that it first came
        by, because that says whose it is.
        """
        if queue == PRESENCE_QUEUE:
            raise Refused(409, "not_replayable", f"{queue} takes the broker's own events alone", "`drop` deletes them")
        replayed = 0
        async with self._taken(queue, None) as letters:
            async for letter in letters:
                if ids is None or letter.id in ids:
                    await self._send(letter, *_way_back(letter), {**sent_on(letter.headers), RETRIES_HEADER: 0})
                    await self._channel.basic_ack(letter.tag)
                    replayed += 1
        return replayed

    async def drop(self, queue: str, ids: Collection[str] | None) -> int:
        """Deletes letters: all that are there now, or those of `ids`. Answers how many."""
        dropped = 0
        async with self._taken(queue, None) as letters:
            async for letter in letters:
                if ids is None or letter.id in ids:
                    await self._channel.basic_ack(letter.tag)
                    dropped += 1
        return dropped

    @asynccontextmanager
    async def _taken(self, queue: str, most: int | None) -> AsyncGenerator[AsyncIterator[Letter]]:
        """Those that are there now, oldest first; what is not acknowledged goes back to its place in the end."""
        if queue not in {consumed.name for consumed in CONSUMED_QUEUES}:
            step = "`muster dead-letters list --all` shows those there are"
            raise Refused(404, "queue_not_found", f"no consumer has a queue {queue}", step)
        try:
            yield self._letters(queue, most)
        finally:
            await self._channel.basic_nack(_ALL, multiple=True, requeue=True)

    async def _letters(self, queue: str, most: int | None) -> AsyncIterator[Letter]:
        left = most
        while left is None or left > 0:
            message = await self._channel.basic_get(dead_letters_of(queue), no_ack=False)
            if not isinstance(message.delivery, spec.Basic.GetOk):
                return
            behind = message.message_count or 0
            left = behind if left is None else min(left - 1, behind)
            yield _letter(queue, message)

    async def _declared(self, name: str) -> spec.Queue.DeclareOk:
        return await self._channel.queue_declare(name, passive=True)

    async def _send(self, letter: Letter, exchange: str, key: str, headers: dict[str, Any]) -> None:
        """Returns once the broker has confirmed it. Raises Refused when no queue wants it or the queue is full."""
        properties = spec.Basic.Properties(
            content_type=letter.content_type,
            delivery_mode=2,
            message_id=letter.id,
            message_type=letter.type,
            headers=headers,
        )
        try:
            await self._channel.basic_publish(
                letter.body,
                exchange=exchange,
                routing_key=key,
                properties=properties,
                mandatory=True,
                timeout=_TIMEOUT_S,
            )
        except (aiormq.PublishError, aiormq.DeliveryError) as error:
            why = "no queue wants it" if isinstance(error, aiormq.PublishError) else "the queue is full"
            raise Refused(
                409, "not_taken", f"the broker did not take {letter.id}: {why}", "it stays a dead letter"
            ) from None


def _way_back(letter: Letter) -> tuple[str, str]:
    """Exchange and routing key. Raises Refused for a device's message of which nobody knows the device any more."""
    if letter.queue not in _OF_DEVICES:
        return "", letter.queue
    if letter.routing_key is None or uid_from_key(letter.routing_key) is None:
        why = f"{letter.id} does not say which device it is of"
        raise Refused(409, "not_replayable", why, "`drop --id` deletes it")
    return DEVICES_EXCHANGE, letter.routing_key


def _letter(queue: str, message: DeliveredMessage) -> Letter:
    properties = message.header.properties
    headers: dict[str, Any] = dict(properties.headers or {})
    by_broker, key = _buried_by_broker(queue, headers)
    deliveries = headers.get(_DELIVERIES, 0)
    return Letter(
        id=properties.message_id or sha256(message.body).hexdigest()[:32],
        queue=queue,
        reason=by_broker or str(headers.get(REASON_HEADER, "unknown")),
        routing_key=key if by_broker else headers.get(ROUTING_KEY_HEADER),
        type=properties.message_type,
        body=message.body,
        tag=message.delivery_tag or 0,
        headers=headers,
        content_type=properties.content_type,
        deliveries=deliveries if isinstance(deliveries, int) else 0,
    )


def _buried_by_broker(queue: str, headers: dict[str, Any]) -> tuple[str | None, str | None]:
    """Why, and the first routing key, by the broker's own record; nothing of a letter that a consumer has buried.

    The header speaks for what came down the retry ladder alone: on any other way a device may have written it.
    """
    deaths: list[dict[str, Any]] = headers.get(_DEATHS) or []
    for record in deaths:
        if record.get("queue") == queue:
            key = next(iter(record.get("routing-keys") or []), None)
            return f"{record.get('reason')} (by the broker)", headers.get(ROUTING_KEY_HEADER) if key == queue else key
    return None, None
