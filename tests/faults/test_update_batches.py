"""A batch updates every device once and ends with one outcome for each, though its worker dies on the way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from muster_stack.stack import Stack
from shared.testing import eventually

pytestmark = pytest.mark.timeout(300)

DEVICES = 20
WORKER = "ota-service-worker"
BATCHES = "/api/v2/updates/batches"

Simulated = Callable[[str, int], Awaitable[asyncio.subprocess.Process]]


class Database:
    """ota-service's, which is there whatever else is not."""

    def __init__(self, stack: Stack) -> None:
        self._url = f"{stack.info['postgres']}/ota_service"

    async def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._url)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()

    @asynccontextmanager
    async def holding(self, locking: str) -> AsyncIterator[None]:
        """Holds the locks that a statement takes until the block ends."""
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(f"begin; {locking}")
            yield
        finally:
            await connection.close()

    async def stands_at(self, statement: str) -> None:
        """Waits until somebody's transaction waits in a statement with these words for what is held."""
        waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%' || $1 || '%'"
        await eventually(lambda: self.rows(waiting, statement), timeout=60, why=f"somebody waits in {statement!r}")

    async def updated_each_device_once(self, batch: int) -> None:
        """Waits for the end: one session for each device, completed, and each version of the batch told once."""

        async def ended() -> bool:
            return (await self.rows("select state from update_batches where id = $1", batch))[0]["state"] == "completed"

        await eventually(ended, timeout=120, interval=0.2, why="the batch has ended")
        devices = await self.rows("select * from batch_devices where batch_id = $1", batch)
        assert [(row["state"], row["attempts"]) for row in devices] == [("succeeded", 1)] * DEVICES
        sessions = await self.rows(
            "select device_uid, state from update_sessions where device_uid = any($1)",
            [row["device_uid"] for row in devices],
        )
        assert sorted(row["device_uid"] for row in sessions) == sorted(row["device_uid"] for row in devices)
        assert {row["state"] for row in sessions} == {"completed"}
        told = await self.rows("select type from outbox where subject = $1 order by id", f"batch/{batch}")
        kinds = [row["type"] for row in told if row["type"] != "batch.progressed.v1"]
        assert kinds == ["batch.created.v1", "batch.started.v1", "batch.completed.v1"]


@pytest.fixture
def database(stack: Stack) -> Database:
    return Database(stack)


@pytest.fixture
async def fleet(simulated: Simulated, database: Database) -> str:
    """The prefix of devices that are there and that ota-service knows."""
    prefix = f"batch{uuid4().hex[:6]}"
    await simulated(prefix, DEVICES)

    async def copied() -> bool:
        found = await database.rows("select count(*) from fleet_devices where device_uid like $1", f"{prefix}-%")
        return found[0]["count"] == DEVICES

    await eventually(copied, timeout=60, why="the copy has the fleet")
    return prefix


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
    await database.updated_each_device_once(batch)
