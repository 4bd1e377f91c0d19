"""Consuming events: a batch is one call of the handler, which makes it one transaction.

What the handler raises decides. A ServiceUnavailable keeps the batch and tries again in place. Otherwise each event is
handled alone: a domain error or a body that is no envelope goes to the dead letters at once, anything else climbs the
retry ladder and ends there. The handler meets an event more than once: `shared.outbox.inbox` makes its effect one.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog
from pydantic import ValidationError

from shared.contracts.envelope import Envelope
from shared.messaging.batches import BatchConsumer
from shared.messaging.connection import Broker
from shared.messaging.deliveries import Delivery, Rejected
from shared.messaging.errors import is_away, is_permanent, reason_of
from shared.messaging.letters import Letters
from shared.messaging.publisher import Publisher
from shared.observability.correlation import Trace, correlated

HandleEvents = Callable[[Sequence[Envelope]], Awaitable[None]]

_APART = timedelta(milliseconds=100)
"""Where a fleet is updated or registers, events come one at a time: a transaction for each would cost a service more
than what it does with them. Nobody notices a tenth of a second."""

_log = structlog.get_logger(__name__)


class EventConsumer:
    """Hands the events of one queue to `handle` in the order of the queue, up to `batch` at a time."""

    def __init__(
        self,
        broker: Broker,
        queue: str,
        handle: HandleEvents,
        *,
        batch: int = 100,
        linger: timedelta = timedelta(milliseconds=20),
        drain: timedelta = timedelta(seconds=8),
    ) -> None:
        self._queue = queue
        self._handle = handle
        self._letters = Letters(Publisher(broker), queue)
        self._batches = BatchConsumer(
            broker, queue, self._take, batch=batch, linger=linger, apart=_APART, in_flight=1, drain=drain
        )

    async def run(self) -> None:
        """Consumes until cancelled, then finishes the batch under way."""
        await self._batches.run()

    async def _take(self, deliveries: Sequence[Delivery]) -> list[Rejected]:
        rejected: list[Rejected] = []
        readable: list[tuple[int, Envelope]] = []
        for index, delivery in enumerate(deliveries):
            try:
                readable.append((index, Envelope.decode(delivery.body)))
            except ValidationError as error:
                rejected.append(Rejected(index, _unreadable(error)))
        if len(readable) > 1:
            try:
                await self._handle([envelope for _, envelope in readable])
            except Exception as error:
                if is_away(error):
                    raise
                _log.info("batch failed, handling its events alone", queue=self._queue, reason=reason_of(error))
            else:
                return rejected
        for index, envelope in readable:
            reason = await self._alone(envelope, deliveries[index])
            if reason is not None:
                rejected.append(Rejected(index, reason))
        return rejected

    async def _alone(self, envelope: Envelope, delivery: Delivery) -> str | None:
        """None when the event is done with, or waits on the ladder; else the reason why it never will be."""
        trace = Trace(envelope.correlationid or str(envelope.id), envelope.traceparent)
        with correlated(trace):
            try:
                await self._handle([envelope])
            except Exception as error:
                if is_away(error):
                    raise
                reason = reason_of(error)
                if is_permanent(error):
                    return reason
                _log.warning("event failed", queue=self._queue, event_type=envelope.type, exc_info=True)
                return None if await self._letters.put_off(delivery, reason) else reason
        return None


def _unreadable(error: ValidationError) -> str:
    """Where the envelope is wrong and how, without the values."""
    faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in error.errors(include_url=False))
    return f"unreadable envelope ({', '.join(faults)})"
