"""A broker connection in a fresh virtual host, and the topology in it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiormq
import pytest
from aiormq.abc import AbstractChannel

from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.messaging.publisher import Publisher


@pytest.fixture
async def broker(amqp_url: str) -> AsyncGenerator[Broker]:
    async with Broker.open(amqp_url, name="test") as opened:
        await opened.publishing.opened()
        await opened.consuming.opened()
        yield opened


@pytest.fixture
async def declared(broker: Broker) -> Broker:
    """The broker with the whole topology, but for the broker's own events."""
    await topology.declare(broker, broker_events=None)
    return broker


@pytest.fixture
def publisher(broker: Broker) -> Publisher:
    return Publisher(broker)


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


@pytest.fixture
async def raw(amqp_url: str) -> AsyncGenerator[Raw]:
    connection = await aiormq.connect(amqp_url)
    yield Raw(await connection.channel())
    await connection.close()
