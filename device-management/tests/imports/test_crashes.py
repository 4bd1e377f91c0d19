"""An import outlives its workers, whenever they die."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from shared.testing import eventually

ROWS = 8_000


@asynccontextmanager
async def worker(settings):
    """Killed by SIGKILL at the end of the block."""
    environment = {
        **os.environ,
        "MUSTER_POSTGRES_URL": settings.postgres_url,
        "MUSTER_POSTGRES_DATABASE": settings.postgres_database,
        "MUSTER_REDIS_URL": settings.redis_url,
        "MUSTER_KEYS_DIR": str(settings.keys_dir),
    }
    script = Path(__file__).with_name("import_process.py")
    process = await asyncio.create_subprocess_exec(sys.executable, str(script), env=environment)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def test_workers_killed_at_any_moment_make_each_device_once(admin, settings, sql):
    body = "device_uid,attributes/site\n" + "".join(f"pump-{number},north\n" for number in range(ROWS))
    answer = await admin.post("/api/v2/imports", content=body, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 202

    async def done() -> int:
        return await sql.fetchval("select done_to from imports")

    for kill_at in (1, ROWS // 2):
        async with worker(settings), worker(settings):
            await eventually(lambda kill_at=kill_at: _at_least(done, kill_at), timeout=60, interval=0.005)
        assert await sql.fetchval("select done_to = (select count(*) from devices) from imports")
    async with worker(settings):
        await eventually(lambda: _at_least(done, ROWS), timeout=60)
    job = (await admin.get("/api/v2/imports")).json()["items"][0]
    assert (job["state"], job["created"], job["unchanged"], job["refused"]) == ("completed", ROWS, 0, 0)
    assert await sql.fetchval("select count(*) from devices") == ROWS
    assert await sql.fetchval("select count(distinct subject) from outbox") == ROWS
    assert await sql.fetchval("select count(*) from outbox") == ROWS


async def _at_least(done, wanted) -> bool:
    return await done() >= wanted
