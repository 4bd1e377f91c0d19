"""A fleet to ask things of, and its answers as the broker would deliver them."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from device_management.actions.consumers import ReplyConsumer
from device_management.actions.jobs import ActionTimer
from shared.messaging.deliveries import Delivery
from shared.precedence import Precedence

Sent = list[dict[str, Any]]


@pytest.fixture
async def fleet(admin):
    """pump-1, pump-2 and pump-3 of the own organization."""
    for uid in ("pump-1", "pump-2", "pump-3"):
        assert (await admin.post("/api/v2/devices", json={"device_uid": uid})).status_code == 201
    return admin


@pytest.fixture
def ask(fleet) -> Callable[..., Awaitable[dict[str, Any]]]:
    async def post(uid: str = "pump-1", **body: Any) -> dict[str, Any]:
        answer = await fleet.post("/api/v2/actions", json={"device_uid": uid, "type": "system_reboot", **body})
        assert answer.status_code == 202, answer.text
        return answer.json()

    return post


@pytest.fixture
def action(fleet) -> Callable[[int], Awaitable[dict[str, Any]]]:
    async def get(action_id: int) -> dict[str, Any]:
        answer = await fleet.get(f"/api/v2/actions/{action_id}")
        assert answer.status_code == 200
        return answer.json()

    return get


@pytest.fixture
def commands(sql) -> Callable[..., Awaitable[Sent]]:
    """What waits for a device to be sent."""

    async def read(uid: str = "pump-1") -> Sent:
        query = "select payload from device_commands where device_uid = $1 order by id"
        return [json.loads(row["payload"]) for row in await sql.fetch(query, uid)]

    return read


@pytest.fixture
def hear(app) -> Callable[..., Awaitable[list[Any]]]:
    """Hands replies to the consumer, as (uid, body) in the order of the queue; the answer is what it rejects."""
    consumer = ReplyConsumer(app.state.scopes, Precedence())

    async def deliver(*replies: tuple[str, dict[str, Any] | bytes]) -> list[Any]:
        return await consumer(
            [
                Delivery(
                    body if isinstance(body, bytes) else json.dumps(body).encode(),
                    f"devices.{uid}.replies",
                    None,
                    {},
                    redelivered=False,
                    timestamp=None,
                )
                for uid, body in replies
            ]
        )

    return deliver


@pytest.fixture
def timer(app) -> ActionTimer:
    return ActionTimer(app.state.scopes)


@pytest.fixture
def told(sql) -> Callable[..., Awaitable[list[str]]]:
    """The types of an action's events, in their order."""

    async def read(action_id: int) -> list[str]:
        query = "select type from outbox where subject = $1 order by id"
        return [row["type"] for row in await sql.fetch(query, f"action/{action_id}")]

    return read
