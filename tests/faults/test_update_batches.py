"""A batch updates every device once and ends with one outcome for each, though its worker dies on the way."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from muster_stack.stack import Stack
from shared.testing import eventually

from .conftest import FLEET
from .database import Database

WORKER = "ota-service-worker"
BATCHES = "/api/v2/updates/batches"


@pytest.fixture
def start(people: httpx.AsyncClient, fleet: str):
    """Makes a batch of the fleet with a firmware of its own; answers its id."""

    async def start(**order: Any) -> int:
        form = {"name": f"faults-{uuid4().hex[:8]}", "version": "2.0"}
        answer = await people.post("/api/v2/firmware", data=form, files={"file": ("image.bin", b"image" * 100)})
        firmware = answer.raise_for_status().json()["id"]
        (await people.post(f"/api/v2/firmware/{firmware}/approve")).raise_for_status()
        body = {"name": fleet, "firmware_id": firmware, "rql": f'like(device_uid,"{fleet}-*")', **order}
        answer = await people.post(BATCHES, json=body)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    return start


async def test_every_device_is_updated_once_though_the_worker_dies_in_the_middle_of_each_step(
    stack: Stack, database: Database, start
):
    try:
        async with database.holding("lock table session_reports in share mode"):
            batch = await start()
            await database.stands_at("insert into session_reports")
            stack.kill(WORKER)
        async with database.holding("lock table batch_devices in share mode"):
            await asyncio.to_thread(stack.start, WORKER)
            await database.stands_at("update batch_devices")
            stack.kill(WORKER)
    finally:
        await asyncio.to_thread(stack.start, WORKER)
    await updated_each_device_once(database, batch)


async def updated_each_device_once(database: Database, batch: int) -> None:
    """Waits for the end: one session for each device, completed, and each version of the batch told once."""

    async def ended() -> bool:
        return (await database.rows("select state from update_batches where id = $1", batch))[0]["state"] == "completed"

    await eventually(ended, interval=0.2, why="the batch has ended")
    devices = await database.rows("select * from batch_devices where batch_id = $1", batch)
    assert [(row["state"], row["attempts"]) for row in devices] == [("succeeded", 1)] * FLEET
    sessions = await database.rows(
        "select device_uid, state from update_sessions where device_uid = any($1)",
        [row["device_uid"] for row in devices],
    )
    assert sorted(row["device_uid"] for row in sessions) == sorted(row["device_uid"] for row in devices)
    assert {row["state"] for row in sessions} == {"completed"}
    told = await database.rows("select type from outbox where subject = $1 order by id", f"batch/{batch}")
    kinds = [row["type"] for row in told if row["type"] != "batch.progressed.v1"]
    assert kinds == ["batch.created.v1", "batch.started.v1", "batch.completed.v1"]
