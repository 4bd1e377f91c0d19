"""Ending connections, against a management API that comes and goes."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from device_management.broker_access.consumers import RevocationConsumer
from device_management.broker_access.errors import BrokerManagementAway
from device_management.broker_access.gateway import BrokerManagement
from device_management.broker_access.service import ConnectionCloser
from device_management.device_tokens.models import Credential
from device_management.keys.models import Gateway
from shared.clock import FixedClock
from shared.contracts.access import AccessRevoked
from shared.contracts.devices import DeviceRetired, DeviceTokenRevoked
from shared.contracts.envelope import Envelope
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


class Bearers:
    """Devices by uid, and gateways."""

    def __init__(self):
        self.known: dict[str, Credential] = {}
        self.known_gateways: list[Gateway] = []

    async def devices(self, uids):
        return [self.known[uid] for uid in uids if uid in self.known]

    async def gateways(self, ids):
        return [gateway for gateway in self.known_gateways if gateway.id in ids]

    async def gateways_of(self, organization_ids):
        return [gateway.id for gateway in self.known_gateways if gateway.organization_id in organization_ids]


@pytest.fixture
def bearers():
    return Bearers()


@pytest.fixture
def devices(bearers) -> dict[str, Credential]:
    return bearers.known


@pytest.fixture
async def closer(management, bearers):
    client = httpx.AsyncClient(transport=httpx.MockTransport(management), base_url="http://broker.test")
    async with client:
        yield ConnectionCloser(BrokerManagement(client), bearers, clock=FixedClock(NOW))


async def test_a_revoked_device_is_closed_at_once_and_again_after_the_brokers_memory(closer, management):
    job = asyncio.create_task(closer.close_again())
    began = asyncio.get_running_loop().time()
    await closer.close(["pump-1"])
    assert [uid for uid, _ in management.closed] == ["pump-1"]
    await eventually(lambda: len(management.closed) == 2)
    assert management.closed[1][1] - began >= 2.4
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
    await eventually(lambda: [uid for uid, _ in management.closed] == ["pump-1"])
    job.cancel()


async def test_a_broker_that_does_not_answer_is_an_error_with_a_name(management):
    management.failures = 1
    async with httpx.AsyncClient(transport=httpx.MockTransport(management), base_url="http://broker.test") as client:
        with pytest.raises(BrokerManagementAway):
            await BrokerManagement(client).connections()


class TestGateways:
    GOOD = Gateway(uuid4(), 1, "hall", NOW + timedelta(days=1), revoked=False, suspended=False)

    async def test_the_sweep_closes_those_whose_tokens_are_no_good(self, closer, management, bearers):
        bad = [
            replace(self.GOOD, id=uuid4(), revoked=True),
            replace(self.GOOD, id=uuid4(), suspended=True),
            replace(self.GOOD, id=uuid4(), expires_at=NOW),
        ]
        bearers.known_gateways = [self.GOOD, *bad]
        at = int(NOW.timestamp() * 1000)
        management.connections = [
            *({"user": f"gateway.{gateway.id}", "connected_at": at} for gateway in bearers.known_gateways),
            {"user": "gateway.nobody", "connected_at": at},
        ]
        await closer.sweep()
        assert {user for user, _ in management.closed} == {f"gateway.{gateway.id}" for gateway in bad}

    async def test_a_revoked_one_is_closed_at_once(self, closer, management):
        await RevocationConsumer(closer)([envelope(AccessRevoked, kind="token", subject_id=str(self.GOOD.id))])
        assert [user for user, _ in management.closed] == [f"gateway.{self.GOOD.id}"]

    async def test_those_of_an_organization_ask_again_when_one_of_its_devices_ends(self, closer, management, bearers):
        bearers.known_gateways = [self.GOOD, replace(self.GOOD, id=uuid4(), organization_id=2)]
        device = {"device_id": 1, "min_token_generation": 2, "registered_at": NOW, "updated_at": NOW}
        consumer = RevocationConsumer(closer)
        await consumer([envelope(DeviceTokenRevoked, device_uid="pump-1", lifecycle="deployed", **device)])
        assert [user for user, _ in management.closed] == ["pump-1"]
        await consumer([envelope(DeviceRetired, device_uid="pump-1", lifecycle="retired", **device)])
        assert [user for user, _ in management.closed] == ["pump-1", "pump-1", f"gateway.{self.GOOD.id}"]


def envelope(event, /, **data):
    refused = {"refused": True} if event is AccessRevoked else {}
    state = event(organization_id=1, version=2, **refused, **data)
    return Envelope(
        id=uuid4(),
        source="/device-management",
        type=state.type,
        subject=state.subject(),
        time=NOW,
        organizationid=1,
        data=state.model_dump(mode="json"),
    )
