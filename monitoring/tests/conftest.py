"""monitoring on a real MongoDB and RabbitMQ, in the virtual host "/": the broker's own events exist there only."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiormq
import httpx
import pytest

from monitoring.app import build
from monitoring.fleet.service import FleetService
from monitoring.fleet.store import FleetStore
from monitoring.organizations.service import OrganizationService
from monitoring.organizations.store import OrganizationStore
from monitoring.settings import Settings
from monitoring.worker import opened as worker_opened
from shared.clock import FixedClock
from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.mongo import client
from shared.testing import UNLIMITED, Credentials
from shared.testing.attack import served
from shared.testing.documents import opened
from shared.worker import in_background

from .worlds import NOON, Raw, Shown, device_state

Register = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith("MUSTER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def credentials(tmp_path_factory) -> Credentials:
    return Credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def changed() -> dict[str, object]:
    """Settings that a test wants otherwise."""
    return {}


@pytest.fixture
def settings(mongodb_url, mongodb_database, rabbitmq_server, credentials, changed) -> Settings:
    given = {
        "mongodb_url": mongodb_url,
        "mongodb_database": mongodb_database,
        "amqp_url": rabbitmq_server.url,
        "broker_management_url": rabbitmq_server.monitor_url,
        "keys_dir": credentials.directory,
    }
    return Settings(**UNLIMITED | given | changed)


@pytest.fixture
async def database(mongodb_url, mongodb_database) -> AsyncIterator[client.Database]:
    async with opened(mongodb_url, mongodb_database) as database:
        yield database


@pytest.fixture
async def fleet(database) -> FleetService:
    store = FleetStore(database)
    await store.prepare()
    return FleetService(store)


@pytest.fixture
def organizations(database) -> OrganizationService:
    return OrganizationService(OrganizationStore(database), days={"short": 7, "standard": 30, "long": 90})


@pytest.fixture
def register(fleet) -> Register:
    """Makes devices known to the copy of the fleet."""

    async def register(*uids: str, organization_id: int = 1, **state: object) -> None:
        await fleet.follow([device_state(uid, organization_id=organization_id, **state) for uid in uids])

    return register


@pytest.fixture(scope="session")
async def topology_declared(rabbitmq_server) -> None:
    """An event published before its queue is bound would reach nobody."""
    async with Broker.open(rabbitmq_server.url, name="test-topology") as broker:
        await topology.declare(broker)


@pytest.fixture
async def raw(rabbitmq_server, topology_declared) -> AsyncIterator[Raw]:
    """A client of the broker that is not ours, and empty queues."""
    connection = await aiormq.connect(rabbitmq_server.url)
    raw = Raw(await connection.channel())
    for queue in (
        topology.TELEMETRY_QUEUE,
        topology.PRESENCE_QUEUE,
        topology.MONITORING_FLEET_QUEUE,
        topology.MONITORING_UPDATES_QUEUE,
        topology.MONITORING_ALERTS_QUEUE,
        topology.MONITORING_ROLLOUTS_QUEUE,
        topology.MONITORING_ACTIONS_QUEUE,
        topology.MONITORING_ORGANIZATIONS_QUEUE,
    ):
        for name in (queue, topology.dead_letters_of(queue)):
            await raw.empty(name)
    yield raw
    await connection.close()


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def start_worker(settings) -> Callable[[], object]:
    """Runs the worker's jobs, all of them, within a block."""

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with worker_opened(settings) as worker, in_background(worker.jobs):
            yield

    return run


@pytest.fixture
async def address(settings) -> AsyncIterator[str]:
    """The api behind a real uvicorn."""
    async with served(build(settings)) as address:
        yield address


@pytest.fixture
async def anyone(address) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture
def reader(anyone, credentials) -> httpx.AsyncClient:
    """A client that may read everything of organization 1."""
    token = credentials.person("telemetry:read", "devices:read", organization_id=1)
    anyone.headers["Authorization"] = f"Bearer {token}"
    return anyone
