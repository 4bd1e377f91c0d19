"""What the tests of messaging look through: a foreign client, and a handler that does as it is told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiormq
from aiormq.abc import AbstractChannel

from shared.messaging.batches import Delivery, Rejected


@dataclass
class Raw:
    """A channel of a client that is not ours, to look at queues and to put anything into them."""

    channel: AbstractChannel

    async def ready(self, queue: str) -> int:
        """Messages ready for delivery."""
        declared = await self.channel.queue_declare(queue, passive=True)
        return declared.message_count or 0

    async def take(self, queue: str) -> "aiormq.abc.DeliveredMessage | None":
        """The next message of the queue, acknowledged; None when it is empty."""
        message = await self.channel.basic_get(queue, no_ack=True)
        return None if isinstance(message.delivery, aiormq.spec.Basic.GetEmpty) else message

    async def put(self, queue: str, body: bytes, **properties: Any) -> None:
        await self.channel.basic_publish(
            body, routing_key=queue, properties=aiormq.spec.Basic.Properties(delivery_mode=2, **properties)
        )


class Recorder:
    """A handler that keeps what it was given and does what it is told."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.deliveries: list[Delivery] = []
        self.poison: set[bytes] = set()
        self.fails: list[Exception] = []
        self.fails_on: set[bytes] = set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Rejected]:
        bodies = [delivery.body for delivery in deliveries]
        self.batches.append(bodies)
        self.deliveries += deliveries
        await self.gate.wait()
        if self.fails:
            raise self.fails.pop(0)
        if self.fails_on.intersection(bodies):
            raise KeyError("secret value of the message")
        return [Rejected(index, "bad metric name") for index, body in enumerate(bodies) if body in self.poison]

    @property
    def seen(self) -> list[bytes]:
        return [body for batch in self.batches for body in batch]
