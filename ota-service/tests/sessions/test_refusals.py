"""An update action that cannot be carried out says which firmware there is, and what to do next."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from ota_service.actions.consumers import ActionConsumer
from shared.contracts.actions import ActionStarted

from ..news import envelope

Add = Callable[..., Awaitable[Any]]


@pytest.fixture
def refusal_of(app: FastAPI, sql: Any) -> Callable[..., Awaitable[str]]:
    async def refusal_of(**params: object) -> str:
        now = datetime.now(UTC)
        order = ActionStarted(
            organization_id=1,
            version=2,
            action_id=7,
            device_id=1,
            device_uid="pump-1",
            action_type="firmware_update",
            params=params,
            priority=0,
            state="running",
            attempt=1,
            requested_by="7",
            requested_at=now,
            deadline=now + timedelta(minutes=10),
            updated_at=now,
        )
        await ActionConsumer(app.state.scopes)([envelope(order)])
        payload = await sql.fetchval("select payload from outbox where type = 'update.refused.v1'")
        return json.loads(payload)["data"]["detail"]

    return refusal_of


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"firmware_id": 999_999}, ["999999"]),
        ({"version": "3.0"}, ["3.0", "upload and approve it"]),
        ({"version": "2.2"}, ["edge 2.2", "r9", "r1", "upload one that is for it"]),
        ({"version": "2.3"}, ["edge 2.3", "approve it"]),
        ({"version": "2.4"}, ["edge 2.4", "withdrawn", "name another"]),
    ],
)
async def test_which_firmware_there_is_and_what_to_do(
    add_devices: Add,
    add_firmware: Add,
    sql: Any,
    refusal_of: Callable[..., Awaitable[str]],
    params: dict[str, Any],
    said: list[str],
):
    await add_devices("pump-1")
    await add_firmware("2.2", hardware_versions=["r9"])
    await add_firmware("2.3", approved=False)
    await add_firmware("2.4")
    await sql.execute("update firmwares set state = 'withdrawn' where version = '2.4'")
    detail = await refusal_of(**params)
    assert [part for part in said if part not in detail] == [], detail
