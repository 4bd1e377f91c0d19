"""Publishing what waits in an outbox: in order within a subject, side by side across subjects."""

from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Generic, Protocol, TypeVar

from shared.contracts.routes import EVENTS_EXCHANGE
from shared.messaging.errors import BrokerAway, PublishUnknown
from shared.messaging.publisher import Message

ROUND = timedelta(seconds=5)
"""No wave begins later than this, so that a round ends well before the database gives up on its transaction."""


Key = TypeVar("Key", bound=Hashable)


class Publishes(Protocol):
    async def publish_all(self, messages: Sequence[Message]) -> list[Exception | None]: ...


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Key]):
    """What is unsent: `key` finds it in its store, and `subject` is that within which order is kept."""

    key: Key
    subject: str
    message: Message


@dataclass(slots=True)
class Sent(Generic[Key]):
    """What became of a round. `failed` are those refused on their own; while `away` is set the broker took no more."""

    confirmed: list[Key] = field(default_factory=list[Key])
    failed: dict[Key, str] = field(default_factory=dict[Key, str])
    away: str | None = None


async def send_in_order(publisher: Publishes, waiting: Sequence[Waiting[Key]]) -> Sent[Key]:
    """Publishes `waiting`, given in order. One that fails holds back the later ones of its subject, and no others.

    A wave takes the first unsent one of every subject, so a confirm is seen before the next one of it is sent.
    """
    sent = Sent[Key]()
    queues: dict[str, deque[Waiting[Key]]] = defaultdict(deque)
    for item in waiting:
        queues[item.subject].append(item)
    begun = monotonic()
    while queues and sent.away is None and monotonic() - begun < ROUND.total_seconds():
        wave = [queue.popleft() for queue in queues.values()]
        outcomes = await publisher.publish_all([item.message for item in wave])
        for item, outcome in zip(wave, outcomes, strict=True):
            if outcome is None:
                sent.confirmed.append(item.key)
            elif isinstance(outcome, BrokerAway | PublishUnknown):
                sent.away = str(outcome)
            else:
                sent.failed[item.key] = type(outcome).__name__
            if outcome is not None or not queues[item.subject]:
                del queues[item.subject]
    return sent


def event_message(event_id: str, event_type: str, payload: bytes) -> Message:
    """`payload` is the whole envelope."""
    return Message(
        exchange=EVENTS_EXCHANGE,
        routing_key=event_type,
        body=payload,
        message_id=event_id,
        content_type="application/cloudevents+json",
        type=event_type,
    )
