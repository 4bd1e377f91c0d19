"""The buffer between one channel and the batches made of what it delivers. It dies with its channel."""

import asyncio
from collections import deque
from typing import Any

from aiormq.abc import AbstractChannel, DeliveredMessage

from shared.messaging.connection import broker_errors, closing, reception_of
from shared.messaging.deliveries import Delivery
from shared.messaging.errors import BrokerAway


class Intake:
    """Collects deliveries; the broker's prefetch bounds it."""

    def __init__(self, batch: int) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._batch = batch
        self._buffer: deque[Delivery] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = 0

    def put(self, delivery: Delivery) -> None:
        """What comes after the channel is nobody's: it comes again."""
        if self.lost.done():
            return
        self._buffer.append(delivery)
        if self._waiter is not None and len(self._buffer) >= self._wanted:
            self._wake()

    async def consume(self, channel: AbstractChannel, queue: str, consumer_tag: str) -> None:
        """Begins to collect from `queue`. Raises BrokerAway."""
        closing(channel).add_done_callback(self.close)
        channel.on_consumer_cancel_callbacks.add(self.close)
        reception_of(channel).divert(channel.number, consumer_tag, self.put)
        with broker_errors():
            await channel.basic_consume(queue, _nothing, consumer_tag=consumer_tag)

    def close(self, _cause: Any = None) -> None:
        """The channel is lost, or the broker cancelled the consumer: what is in the buffer comes again."""
        self._buffer.clear()
        if not self.lost.done():
            self.lost.set_result(None)
        self._wake()

    def check(self) -> None:
        """Raises BrokerAway when the channel is lost."""
        if self.lost.done():
            raise BrokerAway("the channel was lost")

    async def first(self) -> None:
        """Waits for a delivery. Raises BrokerAway."""
        if not self._buffer:
            await self._wait(1, None)

    async def take(self, linger_s: float) -> list[Delivery]:
        """The next deliveries in order: a full batch, or what there is after the linger. Raises BrokerAway."""
        if len(self._buffer) < self._batch:
            await self._wait(self._batch, linger_s)
        self.check()
        return [self._buffer.popleft() for _ in range(min(self._batch, len(self._buffer)))]

    async def _wait(self, wanted: int, timeout_s: float | None) -> None:
        self.check()
        self._wanted = wanted
        self._waiter = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._waiter], timeout=timeout_s)
        self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def _nothing(_message: DeliveredMessage) -> None:
    """aiormq sees no delivery: see `reception`."""
