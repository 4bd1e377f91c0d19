"""Consuming at speed: deliveries are handled a batch at a time and acknowledged with one acknowledgement per batch.

Batches are acknowledged in the order they came, so an acknowledgement never covers a delivery that is not settled.
Nothing outlives its channel: a lost connection empties the buffer and ends the batches under way, for their delivery
tags mean nothing any more and the broker delivers the same messages again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import TypeVar

import structlog
from aiormq.abc import AbstractChannel
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random, wait_random_exponential

from shared.messaging.connection import Broker, broker_errors
from shared.messaging.deliveries import Delivery, Rejected
from shared.messaging.errors import BrokerAway, is_away, reason_of
from shared.messaging.intake import Intake
from shared.messaging.isolation import SUSPECT_AFTER, HandleBatch, isolate
from shared.messaging.letters import Letters
from shared.messaging.metrics import BATCH_SECONDS, BATCH_SIZE, BATCH_WAITS, CONSUMED
from shared.messaging.publisher import Publisher

__all__ = ["BatchConsumer", "Delivery", "HandleBatch", "Rejected"]

T = TypeVar("T")

_CROWD = 3

_log = structlog.get_logger(__name__)


class BatchConsumer:
    """Hands the messages of a queue to `handle`, up to `batch` at a time, `in_flight` batches side by side.

    A batch that is not full waits `linger` for more; while three and more are under way it waits `linger_in_crowd`,
    because its turn does not come sooner and a large batch costs less than two small ones. One that is not full begins
    no sooner than `apart` after the one before: where a message comes at a time, and each would be a batch, the first
    is handled at once and those that follow together.

    The broker hands out at most `prefetch` messages that are not acknowledged, so much does a process hold; without it
    as many as all these batches and the next one have.

    `handle` returns the poison ones, which go to the dead letters one by one before the batch is acknowledged. When it
    raises, the batch stays unacknowledged and is tried again in place with growing waits: for as long as it takes while
    a ServiceUnavailable or OSError says that a store is away, otherwise until the messages to blame are found (see
    `isolation`). So `handle` meets the same message more than once, and its effect must be the same.
    """

    def __init__(
        self,
        broker: Broker,
        queue: str,
        handle: HandleBatch,
        *,
        batch: int = 500,
        linger: timedelta = timedelta(milliseconds=50),
        linger_in_crowd: timedelta = timedelta(milliseconds=60),
        apart: timedelta = timedelta(),
        in_flight: int = 2,
        prefetch: int | None = None,
        drain: timedelta = timedelta(seconds=8),
        wait_at_most: timedelta = timedelta(seconds=5),
    ) -> None:
        self._broker = broker
        self._queue = queue
        self._handle = handle
        self._batch = batch
        self._linger_s = linger.total_seconds()
        self._linger_in_crowd_s = max(linger, linger_in_crowd).total_seconds()
        self._apart_s = apart.total_seconds()
        self._in_flight = in_flight
        self._prefetch = prefetch or batch * (in_flight + 1)
        self._drain_s = drain.total_seconds()
        self._wait = wait_random_exponential(multiplier=0.1, max=wait_at_most.total_seconds())
        self._letters = Letters(Publisher(broker), queue)

    async def run(self) -> None:
        """Consumes until cancelled, through every loss of the broker; then settles what is under way and returns."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(BrokerAway), wait=wait_random(0.05, 0.5), before_sleep=self._log_loss
        ):
            with attempt:
                await self._consume()

    async def _consume(self) -> None:
        async with self._broker.consuming.channel(prefetch=self._prefetch) as channel:
            intake = Intake(self._batch)
            under_way: deque[asyncio.Task[None]] = deque()
            next_at = monotonic()
            try:
                await intake.consume(channel, self._queue, consumer_tag=self._queue)
                while True:
                    await self._free_slot(under_way, intake)
                    await intake.first()
                    deliveries = await intake.take(max(self._linger_among(under_way), next_at - monotonic()))
                    next_at = monotonic() + self._apart_s
                    previous = under_way[-1] if under_way else None
                    under_way.append(asyncio.create_task(self._settle(channel, deliveries, previous)))
            except asyncio.CancelledError:
                await self._finish(channel, under_way)
                raise
            finally:
                for task in under_way:
                    task.cancel()
                await asyncio.gather(*under_way, return_exceptions=True)

    async def _free_slot(self, under_way: deque[asyncio.Task[None]], intake: Intake) -> None:
        while under_way and (len(under_way) >= self._in_flight or under_way[0].done()):
            await asyncio.wait([under_way[0], intake.lost], return_when=asyncio.FIRST_COMPLETED)
            intake.check()
            settled = under_way.popleft()
            if settled.cancelled():
                raise BrokerAway("a batch was cancelled by what it waited for")
            settled.result()

    def _linger_among(self, under_way: Sequence[asyncio.Task[None]]) -> float:
        is_crowd = sum(not task.done() for task in under_way) >= _CROWD
        return self._linger_in_crowd_s if is_crowd else self._linger_s

    async def _settle(
        self, channel: AbstractChannel, deliveries: Sequence[Delivery], previous: asyncio.Task[None] | None
    ) -> None:
        started = monotonic()
        rejected = await self._patiently(lambda attempt: self._attempt(deliveries, attempt))
        if rejected:
            letters = [(deliveries[poison.index], poison.reason) for poison in rejected]
            await self._patiently(lambda _: self._letters.bury(letters))
        if previous is not None:
            await asyncio.wait([previous])
            previous.result()
        with broker_errors():
            await channel.basic_ack(deliveries[-1].tag, multiple=True)
        CONSUMED.labels(self._queue).inc(len(deliveries))
        BATCH_SIZE.labels(self._queue).observe(len(deliveries))
        BATCH_SECONDS.labels(self._queue).observe(monotonic() - started)

    async def _attempt(self, deliveries: Sequence[Delivery], attempt: int) -> Sequence[Rejected]:
        try:
            return await self._handle(deliveries)
        except Exception as error:
            if is_away(error) or attempt < SUSPECT_AFTER:
                raise
            _log.exception("batch fails again and again; trying its messages alone", queue=self._queue)
        return await isolate(self._handle, deliveries, attempt=attempt)

    async def _patiently(self, action: Callable[[int], Awaitable[T]]) -> T:
        """Repeats `action` until it succeeds, with growing waits; it is told which attempt this is.

        Attempts during which something was away do not count, so that a long outage makes no message a suspect.
        """
        counted = 0
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(Exception), wait=self._wait, before_sleep=self._log_wait
        ):
            with attempt:
                try:
                    return await action(counted + 1)
                except Exception as error:
                    counted += not is_away(error)
                    raise
        raise AssertionError("attempts never end")

    async def _finish(self, channel: AbstractChannel, under_way: deque[asyncio.Task[None]]) -> None:
        with suppress(Exception):
            async with asyncio.timeout(self._drain_s):
                await channel.basic_cancel(self._queue)
        if under_way:
            await asyncio.wait(under_way, timeout=self._drain_s)

    def _log_loss(self, state: RetryCallState) -> None:
        _log.warning("consumer interrupted", queue=self._queue, reason=_reason(state))

    def _log_wait(self, state: RetryCallState) -> None:
        BATCH_WAITS.labels(self._queue).inc()
        _log.warning("batch waits", queue=self._queue, attempt=state.attempt_number, reason=_reason(state))


def _reason(state: RetryCallState) -> str:
    error = state.outcome.exception() if state.outcome else None
    return reason_of(error) if error else ""
