"""Devices on the real broker, as its internal users: the platform's own authorisation is not part of these tests."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import uuid4

import aiormq
import httpx
import pytest

PASSWORD = "secret"


@dataclass
class Topic:
    """What has arrived on `devices.#`, in order: (routing key, document)."""

    received: list[tuple[str, dict]] = field(default_factory=list)

    def on(self, uid: str, channel: str) -> list[dict]:
        return [document for key, document in self.received if key == f"devices.{uid}.{channel}"]


@pytest.fixture
def internal_users(rabbitmq_server):
    """Lets uids in with the password, until the test ends. They may use the topic exchange alone."""
    names: list[str] = []
    with httpx.Client(base_url=rabbitmq_server.management_url, timeout=60) as management:

        def let_in(*uids: str, password: str = PASSWORD) -> None:
            for uid in uids:
                names.append(uid)
                management.put(f"/api/users/{uid}", json={"password": password, "tags": ""}).raise_for_status()
                permissions = {"configure": "^mqtt-", "write": "^(amq.topic|mqtt-)", "read": "^(amq.topic|mqtt-)"}
                management.put(f"/api/permissions/%2F/{uid}", json=permissions).raise_for_status()

        yield let_in
        for name in names:
            management.delete(f"/api/users/{name}")


@pytest.fixture
def prefix() -> str:
    return f"t{uuid4().hex[:8]}"


@pytest.fixture
async def topic(rabbitmq_server) -> AsyncIterator[Topic]:
    seen = Topic()

    async def keep(message: aiormq.abc.DeliveredMessage) -> None:
        seen.received.append((message.routing_key or "", json.loads(message.body)))

    connection = await aiormq.connect(rabbitmq_server.url)
    channel = await connection.channel()
    queue = (await channel.queue_declare(exclusive=True)).queue
    assert queue is not None
    await channel.queue_bind(queue, "amq.topic", "devices.#")
    await channel.basic_consume(queue, keep, no_ack=True)
    yield seen
    await connection.close()
