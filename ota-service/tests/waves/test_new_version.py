"""A release goes on while a new version of the service takes the place of an earlier one, both writing side by side."""

import pytest

from ..batches import ledger as batch_ledger

END = """
    update update_sessions set state = $2, deadline = null, progress = 100, version = version + 1
    where id in (select id from update_sessions where deadline is not null order by device_uid limit $1)
"""
COUNT = """
    insert into session_ends as known (batch_id, state, slot, sessions)
    select batch_id, state, 3, sessions
    from jsonb_to_recordset($1::jsonb) as news (batch_id bigint, state text, sessions bigint)
    on conflict (batch_id, state, slot) do update set sessions = known.sessions + excluded.sessions
"""
HEAR = """
    with heard as (
        update update_sessions set awaited = false
        where awaited and id in (select id from update_sessions where awaited and state = 'completed' limit 2)
        returning id, batch_id
    ), devices as (
        update batch_devices set state = 'succeeded' where session_id in (select id from heard)
    )
    update update_batches set initiated = initiated - 2, succeeded = succeeded + 2
    where id in (select batch_id from heard)
"""


@pytest.mark.parametrize("counts", [False, True], ids=["one that does not count", "one that counts itself"])
async def test_what_an_earlier_version_writes_counts_once(counts, started, steps, finish, look, sql):
    await started(100, failure_threshold=100)
    batch = await sql.fetchval("select id from update_batches")

    async def earlier(statement, state, sessions, *values):
        """As an earlier version does it: with its own count, if it has one, in the same transaction."""
        async with sql.transaction():
            await sql.execute(statement, *values)
            if counts:
                await sql.execute(COUNT, f'[{{"batch_id": {batch}, "state": "{state}", "sessions": {sessions}}}]')

    async def progress():
        counted = (await look())["progress"]
        return counted["succeeded"], counted["failed"], counted["in_progress"]

    await earlier(END, "completed", 3, 3, "completed")
    await earlier(END, "failed", 4, 4, "failed")
    assert await progress() == (3, 4, 13)
    await finish(most=5)
    assert await progress() == (8, 4, 8)
    await earlier(HEAR, "completed", -2)
    assert await progress() == (8, 4, 8)
    await batch_ledger.check(sql)
    await steps()
    assert await progress() == (8, 4, 8)
    await finish()
    await steps()
    await batch_ledger.check(sql)
    assert await sql.fetchval("select count(*) from update_sessions where awaited") == 0
    assert await progress() == (16, 4, 0)
