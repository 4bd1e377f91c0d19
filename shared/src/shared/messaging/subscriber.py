"""Following an exchange as it happens: an exclusive queue per process that forgets the oldest when it is full.

For news that is worthless when late (live frames) or that is read in full elsewhere first (revocations).
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import structlog
from aiormq.abc import AbstractChannel
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random

from shared.messaging.connection import Broker, broker_errors
from shared.messaging.deliveries import Delivery
from shared.messaging.errors import BrokerAway
from shared.messaging.intake import Intake

_PREFETCH = 100

_log = structlog.get_logger(__name__)


class Subscriber:
    """Hands what `exchange` routes to the followed keys to `handle`, one by one.

    `resumed` is called after each (re)connection, when everything followed is bound again: what was published before
    it is lost, so a reader takes its snapshot then.
    """

    def __init__(
        self,
        broker: Broker,
        exchange: str,
        handle: Callable[[Delivery], Awaitable[None]],
        *,
        keys: Iterable[str] = (),
        max_length: int = 1_000,
        resumed: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._broker = broker
        self._exchange = exchange
        self._handle = handle
        self._keys = set(keys)
        self._max_length = max_length
        self._resumed = resumed
        self._bound: tuple[AbstractChannel, str] | None = None

    async def follow(self, key: str) -> None:
        """From now on; while the broker is away, from its return."""
        self._keys.add(key)
        if self._bound is not None:
            channel, queue = self._bound
            with suppress(BrokerAway), broker_errors():
                await channel.queue_bind(queue, self._exchange, key)

    async def unfollow(self, key: str) -> None:
        self._keys.discard(key)
        if self._bound is not None:
            channel, queue = self._bound
            with suppress(BrokerAway), broker_errors():
                await channel.queue_unbind(queue, self._exchange, key)

    async def run(self) -> None:
        """Follows until cancelled, through every loss of the broker. An error of `handle` is logged."""
        async for attempt in AsyncRetrying(retry=retry_if_exception_type(BrokerAway), wait=wait_random(0.05, 0.5)):
            with attempt:
                await self._follow_all()

    async def _follow_all(self) -> None:
        async with self._broker.consuming.channel(prefetch=_PREFETCH) as channel:
            intake = Intake(batch=_PREFETCH)
            try:
                await intake.consume(channel, await self._bind(channel), consumer_tag=self._exchange)
                if self._resumed is not None:
                    await self._resumed()
                while True:
                    await intake.first()
                    await self._deliver(channel, await intake.take(linger_s=0))
            finally:
                self._bound = None

    async def _bind(self, channel: AbstractChannel) -> str:
        with broker_errors():
            declared = await channel.queue_declare(
                exclusive=True, arguments={"x-max-length": self._max_length, "x-overflow": "drop-head"}
            )
            queue = str(declared.queue)
            self._bound = (channel, queue)
            for key in tuple(self._keys):
                if key in self._keys:
                    await channel.queue_bind(queue, self._exchange, key)
        return queue

    async def _deliver(self, channel: AbstractChannel, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            try:
                await self._handle(delivery)
            except Exception:  # noqa: BLE001 - one message that fails must not end the following of all others
                _log.exception("following failed", exchange=self._exchange)
        with broker_errors():
            await channel.basic_ack(deliveries[-1].tag, multiple=True)
