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
    """An unsent event: `key` finds it in its store."""

    key: Key
    event_id: str
    type: str
    subject: str
    payload: bytes


@dataclass(slots=True)
class Sent(Generic[Key]):
    """What became of a round. `failed` are those refused on their own; while `away` is set the broker took no more."""

    confirmed: list[Key] = field(default_factory=list[Key])
    failed: dict[Key, str] = field(default_factory=dict[Key, str])
    away: str | None = None


async def send_in_order(publisher: Publishes, waiting: Sequence[Waiting[Key]]) -> Sent[Key]:
    """Publishes `waiting`, given in order. An event that fails holds back the later ones of its subject, and no others.

    A wave takes the first unsent event of every subject, so a confirm is seen before the next one of it is sent.
    """
    sent = Sent[Key]()
    queues: dict[str, deque[Waiting[Key]]] = defaultdict(deque)
    for event in waiting:
        queues[event.subject].append(event)
    begun = monotonic()
    while queues and sent.away is None and monotonic() - begun < ROUND.total_seconds():
        wave = [queue.popleft() for queue in queues.values()]
        outcomes = await publisher.publish_all([_message(event) for event in wave])
        for event, outcome in zip(wave, outcomes, strict=True):
            if outcome is None:
                sent.confirmed.append(event.key)
            elif isinstance(outcome, BrokerAway | PublishUnknown):
                sent.away = str(outcome)
            else:
                sent.failed[event.key] = type(outcome).__name__
            if outcome is not None or not queues[event.subject]:
                del queues[event.subject]
    return sent


def _message(event: Waiting[Key]) -> Message:
    return Message(
        exchange=EVENTS_EXCHANGE,
        routing_key=event.type,
        body=event.payload,
        message_id=event.event_id,
        content_type="application/cloudevents+json",
        type=event.type,
    )
