"""A broker connection in a fresh virtual host, the topology in it, and ways to harm it."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import aiormq
import pytest

from shared.cancellation import end
from shared.messaging import topology
from shared.messaging.batches import BatchConsumer, HandleBatch
from shared.messaging.connection import Broker
from shared.messaging.publisher import Publisher
from shared.messaging.topology import TELEMETRY_QUEUE

from .harness import Raw, Recorder


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


@pytest.fixture
def handle() -> Recorder:
    return Recorder()


@pytest.fixture
def acknowledgements(monkeypatch) -> list[tuple[int, bool]]:
    """Every acknowledgement sent: delivery tag and whether it covers those before it."""
    sent: list[tuple[int, bool]] = []
    acknowledge = aiormq.Channel.basic_ack

    async def recorded(self, delivery_tag: int, multiple: bool = False, wait: bool = True) -> None:
        sent.append((delivery_tag, multiple))
        await acknowledge(self, delivery_tag, multiple, wait)

    monkeypatch.setattr(aiormq.Channel, "basic_ack", recorded)
    return sent


@pytest.fixture
async def consume(declared: Broker, handle: Recorder):
    """Starts a consumer of the telemetry queue; it is ended with the test."""
    tasks: list[asyncio.Task[None]] = []

    def begin(broker: Broker = declared, handler: HandleBatch = handle, **options) -> asyncio.Task[None]:
        options = {
            "batch": 10,
            "linger": timedelta(milliseconds=20),
            "wait_at_most": timedelta(milliseconds=50),
        } | options
        tasks.append(asyncio.create_task(BatchConsumer(broker, TELEMETRY_QUEUE, handler, **options).run()))
        return tasks[-1]

    yield begin
    handle.gate.set()
    await end(tasks)
