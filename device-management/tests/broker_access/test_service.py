"""Ending connections, against a management API that comes and goes."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from device_management.broker_access.errors import BrokerManagementAway
from device_management.broker_access.gateway import BrokerManagement
from device_management.broker_access.service import ConnectionCloser
from device_management.device_tokens.models import Credential
from shared.clock import FixedClock
from shared.testing import eventually

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Management:
    """Answers like RabbitMQ's management API and remembers what was closed, and when."""

    def __init__(self):
        self.closed: list[tuple[str, float]] = []
        self.failures = 0
        self.connections: list[dict] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.failures:
            self.failures -= 1
            return httpx.Response(503)
        if request.method == "GET":
            return httpx.Response(200, json=self.connections)
        user = request.url.path.rsplit("/", 1)[-1]
        self.closed.append((user, asyncio.get_running_loop().time()))
        return httpx.Response(204)


@pytest.fixture
def management():
    return Management()


@pytest.fixture
def devices() -> dict[str, Credential]:
    return {}


@pytest.fixture
async def closer(management, devices):
    async def credentials(uids):
        return [devices[uid] for uid in uids if uid in devices]

    client = httpx.AsyncClient(transport=httpx.MockTransport(management), base_url="http://broker.test")
    async with client:
        yield ConnectionCloser(BrokerManagement(client), credentials, clock=FixedClock(NOW))


async def test_a_revoked_device_is_closed_at_once_and_again_after_the_brokers_memory(closer, management):
    job = asyncio.create_task(closer.close_again())
    await closer.close(["pump-1"])
    assert [uid for uid, _ in management.closed] == ["pump-1"]
    await eventually(lambda: len(management.closed) == 2, timeout=5)
    assert management.closed[1][1] - management.closed[0][1] >= 2.4
    job.cancel()


async def test_management_away_is_tried_again(closer, management):
    management.failures = 2
    await closer.close(["pump-1"])
    assert [uid for uid, _ in management.closed] == ["pump-1"]


async def test_the_sweep_closes_what_rests_on_a_dead_token_and_nothing_else(closer, management, devices):
    connected = {"pump-1": -60, "pump-2": -60, "pump-3": -60, "pump-4": -60, "muster": -60}
    management.connections = [
        {"user": user, "connected_at": int((NOW + timedelta(seconds=age)).timestamp() * 1000)}
        for user, age in connected.items()
    ] + [{"user": "half-open"}]
    devices |= {
        "pump-1": Credential("pump-1", 1, "deployed", 2, None, NOW - timedelta(seconds=30)),
        "pump-2": Credential("pump-2", 1, "deployed", 1, NOW + timedelta(days=1), None),
        "pump-3": Credential("pump-3", 1, "deployed", 1, NOW - timedelta(seconds=1), None),
        "pump-4": Credential("pump-4", 2, "deployed", 1, None, None, suspended=True),
    }
    await closer.sweep()
    assert {uid for uid, _ in management.closed} == {"pump-1", "pump-3", "pump-4"}


async def test_a_suspended_organizations_devices_are_looked_for_at_once_and_after_the_brokers_memory(
    closer, management, devices
):
    devices["pump-1"] = Credential("pump-1", 1, "deployed", 1, None, None, suspended=True)
    job = asyncio.create_task(closer.close_again())
    await closer.close_stale()
    management.connections = [{"user": "pump-1", "connected_at": int(NOW.timestamp() * 1000)}]
    await eventually(lambda: [uid for uid, _ in management.closed] == ["pump-1"], timeout=5)
    job.cancel()


async def test_a_broker_that_does_not_answer_is_an_error_with_a_name(management):
    management.failures = 1
    async with httpx.AsyncClient(transport=httpx.MockTransport(management), base_url="http://broker.test") as client:
        with pytest.raises(BrokerManagementAway):
            await BrokerManagement(client).connections()
