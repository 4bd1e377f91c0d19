"""Messages sent on by a consumer that cannot take them: up the retry ladder, or to the dead letters with a reason.

They are published with a confirm before the original is acknowledged, because a plain rejection cannot carry a reason;
a crash in between leaves two of them, never none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from shared.messaging.deliveries import Delivery
from shared.messaging.metrics import DEAD_LETTERED, RETRIED
from shared.messaging.properties import sent_on
from shared.messaging.publisher import Message, Publisher
from shared.messaging.topology import DEAD_EXCHANGE, RETRY_DELAYS, retry_exchange

REASON_HEADER = "x-muster-reason"
QUEUE_HEADER = "x-muster-queue"
ROUTING_KEY_HEADER = "x-muster-routing-key"
RETRIES_HEADER = "x-muster-retries"

_REASON_CHARS = 500
_HEADERS_CHARS = 16 * 1024
"""All headers must fit one frame of 128 KiB, or the broker closes the connection: larger ones are left out."""

_log = structlog.get_logger(__name__)


class Letters:
    """Sends on what the consumer of one queue cannot take."""

    def __init__(self, publisher: Publisher, queue: str) -> None:
        self._publisher = publisher
        self._queue = queue

    async def bury(self, letters: Sequence[tuple[Delivery, str]]) -> None:
        """Confirms each delivery among the dead letters, with its reason. Raises what the publisher raises."""
        messages = [self._sent_on(delivery, DEAD_EXCHANGE, reason, retries(delivery)) for delivery, reason in letters]
        for outcome in await self._publisher.publish_all(messages):
            if outcome is not None:
                raise outcome
        DEAD_LETTERED.labels(self._queue).inc(len(letters))
        for delivery, reason in letters:
            _log.warning("dead letter", queue=self._queue, message_id=delivery.message_id, reason=reason)

    async def put_off(self, delivery: Delivery, reason: str) -> bool:
        """Confirms the delivery on the next rung of the ladder; False when it has climbed them all."""
        climbed = retries(delivery)
        if climbed >= len(RETRY_DELAYS):
            return False
        exchange = retry_exchange(RETRY_DELAYS[climbed])
        await self._publisher.publish(self._sent_on(delivery, exchange, reason, climbed + 1))
        RETRIED.labels(self._queue).inc()
        _log.info("put off", queue=self._queue, message_id=delivery.message_id, retries=climbed + 1, reason=reason)
        return True

    def _sent_on(self, delivery: Delivery, exchange: str, reason: str, climbed: int) -> Message:
        return Message(
            exchange=exchange,
            routing_key=self._queue,
            body=delivery.body,
            message_id=delivery.message_id,
            content_type=delivery.content_type or "application/octet-stream",
            type=delivery.type,
            headers={
                **_kept(delivery.headers),
                REASON_HEADER: reason[:_REASON_CHARS],
                QUEUE_HEADER: self._queue,
                ROUTING_KEY_HEADER: self._first_key(delivery),
                RETRIES_HEADER: climbed,
            },
        )

    def _first_key(self, delivery: Delivery) -> str:
        """The header speaks for what comes down the ladder alone: on any other way a device may have written it."""
        if delivery.routing_key != self._queue:
            return delivery.routing_key
        return str(delivery.headers.get(ROUTING_KEY_HEADER, delivery.routing_key))


def retries(delivery: Delivery) -> int:
    """How often the delivery was put off so far."""
    count = delivery.headers.get(RETRIES_HEADER, 0)
    return count if isinstance(count, int) and count > 0 else 0


def _kept(headers: Mapping[str, Any]) -> dict[str, str | int | bool]:
    kept = sent_on(headers)
    return kept if sum(len(name) + len(str(value)) for name, value in kept.items()) <= _HEADERS_CHARS else {}
