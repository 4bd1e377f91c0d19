"""An import outlives its workers, whenever they die."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from shared.testing import eventually

pytestmark = pytest.mark.timeout(400)

ROWS = 8_000


@pytest.fixture
async def begin(settings) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """`await begin()` begins a worker and answers its process id."""
    environment = {
        **os.environ,
        "MUSTER_POSTGRES_URL": settings.postgres_url,
        "MUSTER_POSTGRES_DATABASE": settings.postgres_database,
        "MUSTER_REDIS_URL": settings.redis_url,
        "MUSTER_KEYS_DIR": str(settings.keys_dir),
    }
    script = Path(__file__).with_name("import_process.py")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script)),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    asks, answers = process.stdin, process.stdout
    assert asks is not None
    assert answers is not None

    async def begin() -> int:
        asks.write(b"\n")
        return int(await answers.readline())

    yield begin
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def test_workers_killed_at_any_moment_make_each_device_once(admin, begin, sql):
    body = "device_uid,attributes/site\n" + "".join(f"pump-{number},north\n" for number in range(ROWS))
    answer = await admin.post("/api/v2/imports", content=body, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 202

    async def done() -> int:
        """Plays the relay besides: an import waits for its events to be sent."""
        await sql.execute("update outbox set sent_at = now() where sent_at is null")
        return await sql.fetchval("select done_to from imports")

    for kill_at in (1, ROWS // 2):
        workers = [await begin() for _ in range(2)]
        await eventually(lambda kill_at=kill_at: _at_least(done, kill_at), interval=0.005)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        assert await sql.fetchval("select done_to = (select count(*) from devices) from imports")
    await begin()
    await eventually(lambda: _at_least(done, ROWS))
    job = (await admin.get("/api/v2/imports")).json()["items"][0]
    assert (job["state"], job["created"], job["unchanged"], job["refused"]) == ("completed", ROWS, 0, 0)
    assert await sql.fetchval("select count(*) from devices") == ROWS
    assert await sql.fetchval("select count(distinct subject) from outbox") == ROWS
    assert await sql.fetchval("select count(*) from outbox") == ROWS


async def _at_least(done, wanted) -> bool:
    return await done() >= wanted
