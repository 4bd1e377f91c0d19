"""A release and a batch go their way whatever happens to the workers that carry them on, and to the broker."""

import json
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import psutil
import pytest

from shared.contracts.routes import EVENTS_EXCHANGE
from shared.testing import eventually
from shared.testing.proxy import proxied

from ..batches import ledger as batch_ledger
from ..releases.conftest import UIDS
from ..sessions import ledger as session_ledger
from ..waves import ledger as wave_ledger

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def holding(settings):
    """Holds the locks that a statement takes until the block ends."""

    @asynccontextmanager
    async def holding(locking: str) -> AsyncIterator[None]:
        connection = await asyncpg.connect(settings.database_url().replace("+asyncpg", ""))
        try:
            await connection.execute(f"begin; {locking}")
            yield
        finally:
            await connection.close()

    return holding


@pytest.fixture
def stop_at(sql):
    async def stop_at(statement: str, pids: list[int]) -> int:
        """Stops the worker that waits in its transaction in a statement with these words; answers its process id."""
        query = "select client_port from pg_stat_activity where wait_event_type = 'Lock' and query ilike $1 limit 1"
        port = await eventually(lambda: sql.fetchval(query, f"%{statement}%"), why=statement)
        [pid] = [
            pid
            for pid in pids
            if port in {connection.laddr.port for connection in psutil.Process(pid).net_connections("tcp")}
        ]
        os.kill(pid, signal.SIGSTOP)
        return pid

    return stop_at


@pytest.fixture
def carried_out(sql, finish):
    async def carried_out(sessions: int) -> None:
        """Devices carry out what is open for them, until there have been so many updates and all have ended."""

        async def done() -> bool:
            await finish()
            ended = "select count(*) = $1 and count(deadline) = 0 from update_sessions"
            return await sql.fetchval(ended, sessions)

        await eventually(done, why=f"{sessions} updates have ended")

    return carried_out


async def test_of_three_workers_two_are_stopped_past_their_lease_and_go_on_and_nothing_happens_twice(
    workers, amqp_url, started, draw_up, act, holding, stop_at, carried_out, look, sql
):
    pids = await workers(3, amqp_url)
    await draw_up(25, 75)
    async with holding("lock table session_reports in share mode"):
        async with holding("lock table release_waves in share mode"):
            await act("start")
            first = await stop_at("update release_waves", pids)
        second = await stop_at("insert into session_reports", pids)
    assert first != second
    await carried_out(len(UIDS) // 4)
    for pid in (first, second):
        os.kill(pid, signal.SIGCONT)
    await carried_out(len(UIDS))

    async def completed() -> bool:
        return (await look())["state"] == "completed"

    await eventually(completed, why="the release is completed")
    release = await look()
    waves = ["wave_opened", "wave_completed"] * 2
    assert [change["what"] for change in release["changes"]] == ["created", "started", *waves, "completed"]
    updated = await sql.fetch("select device_uid, state from update_sessions order by 1")
    assert [tuple(row) for row in updated] == [(uid, "completed") for uid in UIDS]
    for ledger in (wave_ledger, batch_ledger, session_ledger):
        await ledger.check(sql)


async def test_a_release_and_a_batch_lose_nothing_while_the_broker_is_away(
    workers, broker, amqp_url, draw_up, act, person, add_devices, firmware, carried_out, look, sql
):
    others = ["valve-1", "valve-2"]
    await add_devices(*others)
    async with proxied(amqp_url) as (proxy, url), broker.consuming.channel() as channel:
        told = await channel.queue_declare(exclusive=True)
        await channel.queue_bind(told.queue, EVENTS_EXCHANGE, "#")
        heard = defaultdict(list)

        async def hear() -> bool:
            """Takes in what is there; whether all that was committed has come."""
            while (message := await channel.basic_get(told.queue, no_ack=True)).body:
                event = json.loads(message.body)
                heard[event["subject"]].append(event["id"])
            query = "select subject, event_id from outbox order by id"
            return {str(row["event_id"]) for row in await sql.fetch(query)} <= set().union(*heard.values())

        await workers(1, url)
        await draw_up(50, 50)
        await eventually(hear, why="what was told before")
        with proxy.away():
            await act("start")
            batch = {"name": "spring", "firmware_id": firmware, "device_ids": others}
            assert (await person.post("/api/v2/updates/batches", json=batch)).status_code == 202
            await carried_out(len(others) + len(UIDS))
            assert not await hear()
        await eventually(hear, why="what was told meanwhile")

        async def ended() -> bool:
            batches = {row["state"] for row in await sql.fetch("select state from update_batches")}
            return (await look())["state"] == "completed" and batches == {"completed"}

        await eventually(ended, why="release and batch are completed")
        await eventually(hear, why="their end")
        for subject, ids in heard.items():
            query = "select event_id from outbox where subject = $1 order by id"
            order = [str(row["event_id"]) for row in await sql.fetch(query, subject)]
            assert list(dict.fromkeys(ids)) == order, f"{subject} was told in another order"
    for ledger in (wave_ledger, batch_ledger, session_ledger):
        await ledger.check(sql)
