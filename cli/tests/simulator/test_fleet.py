"""Simulated devices on a real broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from muster_cli.connection import Endpoint
from muster_cli.simulator.conditions import Conditions
from muster_cli.simulator.course import Timeline
from muster_cli.simulator.enrolment import Enrolled
from muster_cli.simulator.fleet import Fleet, allow_open_files
from muster_cli.simulator.population import simulated_device
from muster_cli.simulator.tally import Tally
from shared.testing import eventually

PASSWORD = "secret"
REGISTERED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def broker(rabbitmq_server) -> Endpoint:
    return Endpoint(rabbitmq_server.mqtt_host, rabbitmq_server.mqtt_port)


def fleet_of(prefix, count, broker, tally, *, password=PASSWORD, every=0.05) -> Fleet:
    timeline = Timeline.steady(Conditions(every=every))
    devices = [simulated_device(prefix, number, 0, timeline) for number in range(1, count + 1)]
    enrolled = dict.fromkeys((device.uid for device in devices), Enrolled(password, REGISTERED_AT))
    return Fleet(devices, enrolled, broker=broker, connects_per_second=200, tally=tally)


@asynccontextmanager
async def living(fleet: Fleet) -> AsyncIterator[None]:
    """It runs until the block ends, and has ended then."""
    running = asyncio.create_task(fleet.run(None))
    try:
        yield
    finally:
        fleet.stop()
        await asyncio.wait_for(running, 60)


async def test_every_confirmed_sample_is_on_the_topic_once_and_in_order(broker, topic, internal_users, prefix):
    uids = [f"{prefix}-000{number}" for number in range(1, 6)]
    internal_users(*uids)
    tally = Tally(5)
    async with living(fleet_of(prefix, 5, broker, tally)):
        await eventually(lambda: tally.confirmed > 25 and len(topic.received) > 25)
    await eventually(lambda: len([key for key, _ in topic.received if key.endswith(".status")]) == 10)
    for uid in uids:
        samples = topic.on(uid, "telemetry")
        assert [sample["seq"] for sample in samples] == list(range(1, len(samples) + 1))
        assert len({sample["boot"] for sample in samples}) == 1
        assert all(sample["metrics"]["temperature"] for sample in samples)
    assert tally.sent == tally.confirmed == sum(len(topic.on(uid, "telemetry")) for uid in uids)
    assert not tally.troubles


async def test_a_device_announces_itself_and_says_goodbye_in_one_session(broker, topic, internal_users, prefix):
    uid = f"{prefix}-0001"
    internal_users(uid)
    async with living(fleet_of(prefix, 1, broker, Tally(1))):
        await eventually(lambda: topic.on(uid, "status"))
    await eventually(lambda: len(topic.on(uid, "status")) == 2)
    online, offline = topic.on(uid, "status")
    assert (online["online"], offline["online"]) == (True, False)
    assert online["session"] == offline["session"]


async def test_a_device_whose_connection_is_closed_comes_back_and_loses_nothing(
    broker, topic, internal_users, prefix, rabbitmq_server
):
    uid = f"{prefix}-0001"
    internal_users(uid)
    tally = Tally(1)
    async with living(fleet_of(prefix, 1, broker, tally)):
        await eventually(lambda: tally.confirmed >= 3)
        async with httpx.AsyncClient(base_url=rabbitmq_server.management_url, timeout=60) as management:

            async def closed() -> bool:
                return (await management.delete(f"/api/connections/username/{uid}")).status_code == 204 and bool(
                    tally.troubles
                )

            await eventually(closed)
        await eventually(lambda: tally.reconnects > 0)
        before = tally.confirmed
        await eventually(lambda: tally.confirmed >= before + 3)
    sequence = [sample["seq"] for sample in topic.on(uid, "telemetry")]
    assert sorted(set(sequence)) == list(range(1, tally.sent + 1))
    assert tally.confirmed == tally.sent


async def test_a_refused_login_is_told_and_tried_again(broker, internal_users, prefix):
    internal_users(f"{prefix}-0001")
    tally = Tally(1)
    async with living(fleet_of(prefix, 1, broker, tally, password="wrong")):
        await eventually(lambda: tally.troubles.total() >= 2)
    assert set(tally.troubles) == {"login refused: bad user name or password"}
    assert (tally.ever_connected, tally.sent) == (0, 0)


async def test_a_broker_that_is_away_is_told_and_tried_again(prefix):
    tally = Tally(3)
    async with living(fleet_of(prefix, 3, Endpoint("127.0.0.1", 9), tally)):
        await eventually(lambda: tally.troubles.total() >= 4)


def test_a_fleet_of_25_is_allowed_open_files():
    allow_open_files(25)
