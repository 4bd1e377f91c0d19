"""The worker as a whole: a device connects, reports and leaves, as people and other services see it."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import aiormq
import httpx
import pytest

from monitoring.presence import service
from monitoring.updates.service import UpdateService
from monitoring.updates.store import UpdateStore
from shared.contracts.envelope import Envelope
from shared.contracts.routes import EVENTS_EXCHANGE
from shared.messaging import topology
from shared.testing import eventually

from .worlds import body, device_state, envelope_of, update_state


@pytest.fixture
async def broker_user(rabbitmq_server):
    """A user of the broker's own database that stands for a device."""
    async with httpx.AsyncClient(base_url=rabbitmq_server.management_url, timeout=60) as management:

        async def make(uid: str) -> str:
            await management.put(f"/api/users/{uid}", json={"password": "secret", "tags": ""})
            everything = {"configure": ".*", "write": ".*", "read": ".*"}
            await management.put(f"/api/permissions/%2F/{uid}", json=everything)
            host = urlsplit(rabbitmq_server.url).netloc.rpartition("@")[2]
            return f"amqp://{uid}:secret@{host}/"

        yield make


@asynccontextmanager
async def connected(url: str):
    connection = await aiormq.connect(url)
    try:
        yield await connection.channel()
    finally:
        await connection.close()


async def test_a_device_connects_reports_and_leaves(start_worker, raw, reader, broker_user):
    uid = "pump-of-the-worker"
    url = await broker_user(uid)
    declared = await raw.channel.queue_declare(exclusive=True)
    events = []

    async def keep(message):
        events.append(Envelope.decode(message.body))

    async def presence():
        answer = await reader.get("/api/v2/presence", params={"device_uid": uid})
        return answer.json()["items"][0] if answer.status_code == 200 else {"online": None, "version": None}

    async def is_online(version):
        found = await presence()
        return found["online"] and found["version"] == version

    async def is_offline(version):
        found = await presence()
        return found["online"] is False and found["version"] == version

    async def has_reported():
        return (await reader.get("/api/v2/telemetry/latest", params={"device_uid": uid})).json()["items"]

    async with start_worker():
        for kind in ("device.connected.v1", "device.disconnected.v1"):
            await raw.channel.queue_bind(declared.queue, EVENTS_EXCHANGE, kind)
        await raw.channel.basic_consume(declared.queue, keep, no_ack=True)
        registered = envelope_of(device_state(uid))
        await raw.channel.basic_publish(registered.encode(), exchange=EVENTS_EXCHANGE, routing_key=registered.type)
        async with connected(url) as device:
            await eventually(lambda: is_online(1))
            await device.basic_publish(
                body(datetime.now(UTC), 1), exchange="amq.topic", routing_key=f"devices.{uid}.telemetry"
            )
            await eventually(has_reported)
            async with connected(url):
                await eventually(lambda: is_online(2), why="the second connection has taken over")
            await eventually(lambda: is_offline(3))
        await eventually(lambda: len(events) >= 3)
    mine = [(one.type, one.data["version"], one.organizationid) for one in events if one.data["device_uid"] == uid]
    assert mine[:3] == [
        ("device.connected.v1", 1, 1),
        ("device.connected.v1", 2, 1),
        ("device.disconnected.v1", 3, 1),
    ]


async def test_an_update_is_followed_whatever_is_poison_beside_it(start_worker, raw, register, database):
    uid = "pump-under-update"
    await register(uid)
    updates = UpdateService(UpdateStore(database))
    newest, older = envelope_of(update_state(uid, version=2)), envelope_of(update_state(uid, version=1))
    poison = newest.model_copy(update={"data": {"device_uid": uid}})

    async def is_followed():
        return [item.version for item in await updates.among([uid])] == [2]

    async def poison_is_put_aside():
        return await raw.waiting(topology.dead_letters_of(topology.MONITORING_UPDATES_QUEUE)) == 1

    async with start_worker():
        for envelope in (newest, poison, older):
            await raw.channel.basic_publish(envelope.encode(), exchange=EVENTS_EXCHANGE, routing_key=envelope.type)
        await eventually(is_followed)
        await eventually(poison_is_put_aside)
    assert await raw.waiting(topology.MONITORING_UPDATES_QUEUE) == 0
    assert await is_followed()


async def test_presence_is_right_again_after_the_worker_was_away(
    start_worker, raw, reader, broker_user, register, monkeypatch
):
    monkeypatch.setattr(service, "LISTED_WITHIN", timedelta(0))  # as if the device had been connected for long
    uid = "pump-that-stayed"
    url = await broker_user(uid)
    await register(uid)

    async def online():
        [found] = (await reader.get("/api/v2/presence", params={"device_uid": uid})).json()["items"]
        return found["online"]

    async with connected(url):
        await raw.empty("monitoring.presence")
        async with start_worker():
            await eventually(online)
    await raw.empty("monitoring.presence")
    async with start_worker():

        async def offline():
            return not await online()

        await eventually(offline)
