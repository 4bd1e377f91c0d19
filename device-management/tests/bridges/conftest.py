"""A platform's broker in a virtual host of its own, and a site's broker: RabbitMQ's MQTT door, beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from ipaddress import ip_network
from urllib.parse import urlsplit

import aiomqtt
import aiormq
import pytest

from device_management.bootstrap import open_core
from device_management.bridges.gateway import open_link
from device_management.bridges.service import SiteBridges
from shared.cancellation import end
from shared.egress import Egress
from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.messaging.publisher import Publisher
from shared.messaging.topology import TELEMETRY_QUEUE

LOOPBACK = Egress([ip_network("127.0.0.0/8")])


@pytest.fixture
async def broker(amqp_url) -> AsyncIterator[Broker]:
    """The platform's broker, with the topology."""
    async with Broker.open(amqp_url, name="test") as broker:
        await topology.declare(broker, broker_events=None)
        yield broker


@pytest.fixture
async def stored(amqp_url, broker) -> AsyncIterator[list[tuple[str, bytes]]]:
    """What came out at the other end: routing keys and bodies from the queue of telemetry, as they come."""
    connection = await aiormq.connect(amqp_url)
    channel = await connection.channel()
    arrived: list[tuple[str, bytes]] = []

    async def take(message) -> None:
        arrived.append((message.delivery.routing_key, message.body))

    await channel.basic_consume(TELEMETRY_QUEUE, take, no_ack=True)
    yield arrived
    await connection.close()


@pytest.fixture
def site_broker(rabbitmq_server) -> dict[str, object]:
    """How to get in at the site."""
    parts = urlsplit(rabbitmq_server.url)
    return {
        "host": rabbitmq_server.mqtt_host,
        "port": rabbitmq_server.mqtt_port,
        "username": parts.username,
        "password": parts.password,
    }


@pytest.fixture
async def at_site(site_broker) -> AsyncIterator[aiomqtt.Client]:
    """A client of the site's broker, which speaks as its devices do."""
    client = aiomqtt.Client(
        site_broker["host"],
        site_broker["port"],
        username=site_broker["username"],
        password=site_broker["password"],
    )
    async with client:
        yield client


@pytest.fixture
async def worker(app, settings, broker) -> AsyncIterator[Callable[..., asyncio.Task[None]]]:
    """Starts a worker's bridges; cancel the task to end it in good order."""
    tasks: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(open_core(settings))

        def start(
            name: str = "one", *, egress: Egress = LOOPBACK, publisher: Publisher | None = None, connect=open_link
        ):
            bridges = SiteBridges(
                core.scopes, connect, publisher or Publisher(broker), egress, core.sealer, holder=name
            )
            tasks.append(asyncio.create_task(bridges.run()))
            return tasks[-1]

        yield start
        await end(tasks)
