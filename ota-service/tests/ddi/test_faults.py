"""What a client is told when the database cannot take its report, and that no report is lost or counted twice."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg
import pytest

from shared.testing import eventually

WAITING = "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() limit 1"


@pytest.fixture
def history_locked(settings, sql):
    """Nothing can be added to the history of sessions until the block ends; gives the connection that waits for it."""

    @asynccontextmanager
    async def locked():
        holder = await asyncpg.connect(settings.database_url().replace("+asyncpg", ""))
        await holder.execute("begin; lock table session_reports in share mode")
        yield lambda: eventually(lambda: sql.fetchval(WAITING), why="a report waits")
        await holder.close()

    return locked


async def test_a_report_that_was_cut_off_is_asked_for_again_and_counts_once(update, history_locked, state_of, sql):
    async with history_locked() as waiting:
        closing = asyncio.create_task(update.target.say(update.action, "closed", "success"))
        await sql.execute("select pg_terminate_backend($1)", await waiting())
        refused = await closing
    assert (refused.status_code, refused.json()["errorCode"]) == (503, "muster.service_unavailable")
    assert refused.headers["Retry-After"].isdigit()
    assert "deploymentBase" in await update.target.links()
    assert (await update.target.say(update.action, "closed", "success")).status_code == 200
    assert await state_of(update) == "completed"
    assert await sql.fetchval("select count(*) from ddi_feedbacks") == 1


async def test_a_report_that_is_repeated_because_its_answer_was_lost_ends_nothing_twice(update, state_of, sql):
    for expected in (200, 410):
        assert (await update.target.say(update.action, "closed", "success")).status_code == expected
    assert "deploymentBase" not in await update.target.links()
    assert await state_of(update) == "completed"
    assert await sql.fetchval("select count(*) from session_reports where accepted and reported = 'completed'") == 1
