"""Ending connections, at a real broker."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit
from uuid import uuid4

import aiormq
import httpx
import pytest

from device_management.broker_access.gateway import BrokerManagement
from device_management.broker_access.service import ConnectionCloser
from device_management.device_tokens.models import Credential
from shared.clock import SystemClock
from shared.testing import eventually


@pytest.fixture
async def management(rabbitmq_server):
    async with httpx.AsyncClient(base_url=rabbitmq_server.management_url, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
async def connected(management, amqp_url):
    """Connects as a device of that uid, which the broker knows while the test lasts."""
    made: list[tuple[str, aiormq.Connection]] = []
    broker = urlsplit(amqp_url)

    async def connect(uid: str) -> aiormq.Connection:
        body = {"password": uid, "tags": ""}
        (await management.put(f"/api/users/{uid}", json=body)).raise_for_status()
        rights = dict.fromkeys(("configure", "write", "read"), ".*")
        vhost = quote(broker.path.removeprefix("/") or "/", safe="%")
        (await management.put(f"/api/permissions/{vhost}/{uid}", json=rights)).raise_for_status()
        connection = await aiormq.connect(f"amqp://{uid}:{uid}@{broker.hostname}:{broker.port}{broker.path}")
        made.append((uid, connection))
        return connection

    yield connect
    for uid, connection in made:
        await connection.close()
        await management.delete(f"/api/users/{uid}")


async def test_a_device_whose_token_expires_loses_its_connection_and_another_keeps_its_own(management, connected):
    now = datetime.now(UTC)
    expired, good = f"expired-{uuid4().hex[:8]}", f"good-{uuid4().hex[:8]}"
    ends = {expired: now - timedelta(seconds=1), good: now + timedelta(days=1)}
    first, second = await connected(expired), await connected(good)

    class Bearers:
        async def devices(self, uids):
            return [Credential(uid, 1, "deployed", 1, ends[uid], None) for uid in uids if uid in ends]

        async def gateways(self, ids):
            return []

        async def gateways_of(self, organization_ids):
            return []

    closer = ConnectionCloser(BrokerManagement(management), Bearers(), clock=SystemClock())

    async def is_closed() -> bool:
        await closer.sweep()
        await asyncio.sleep(0)
        return first.is_closed

    await eventually(is_closed, interval=0.2)
    assert not second.is_closed
    await second.channel()
