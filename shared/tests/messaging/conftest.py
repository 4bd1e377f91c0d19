"""A broker connection in a fresh virtual host, the topology in it, and ways to harm it."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
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


@pytest.fixture
def memory_alarm(servers, rabbitmq_server) -> Callable[[], AbstractAsyncContextManager[None]]:
    """Within the block the broker has too little memory and reads from no connection that publishes."""
    environment = dict(servers.rabbitmq.spec().env)

    async def watermark(fraction: float) -> None:
        await asyncio.to_thread(
            subprocess.run,
            ["/usr/lib/rabbitmq/bin/rabbitmqctl", "set_vm_memory_high_watermark", str(fraction)],
            env=environment,
            check=True,
            capture_output=True,
            timeout=60,
        )

    @asynccontextmanager
    async def alarm() -> AsyncGenerator[None]:
        await watermark(0.000001)
        try:
            yield
        finally:
            await watermark(0.4)

    return alarm
