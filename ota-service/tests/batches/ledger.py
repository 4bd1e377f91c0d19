"""What must hold of every batch whatever happened to it, read from the database and the events in the outbox."""

import json
from collections import Counter, defaultdict

import asyncpg

from ota_service.batches.states import DeviceState


async def check(sql: asyncpg.Connection) -> None:
    """The counts are those of the rows, sessions and devices belong together, and each version was told once."""
    rows = await sql.fetch("select batch_id, state, count(*) from batch_devices group by 1, 2")
    counted = {(row["batch_id"], row["state"]): row["count"] for row in rows}
    for batch in await sql.fetch("select * from update_batches"):
        kept = {state: batch[state] for state in DeviceState}
        assert kept == {state: counted.get((batch["id"], state), 0) for state in DeviceState}, "the counts are others"
        if batch["state"] in {"completed", "failed"}:
            assert kept["pending"] == kept["initiated"] == 0, "it has ended before its devices"
        if batch["concurrency"]:
            assert kept["initiated"] <= batch["concurrency"], "too many sessions are open"
    assert not await sql.fetchval(
        "select count(*) from batch_devices device left join update_sessions session on session.id = device.session_id "
        "where device.state = 'initiated' and not (session.awaited and session.batch_id = device.batch_id)"
    ), "nobody hears of the end of a session"
    assert not await sql.fetchval(
        "select count(*) from update_sessions session where awaited and not exists "
        "(select from batch_devices where session_id = session.id and state = 'initiated')"
    ), "a session was opened that no device of a batch has"
    unheard = "select batch_id, state, count(*) from update_sessions where awaited and deadline is null group by 1, 2"
    kept = "select batch_id, state, sum(sessions)::bigint from session_ends group by 1, 2 having sum(sessions) <> 0"
    assert set(await sql.fetch(unheard)) == set(await sql.fetch(kept)), "ended sessions are counted wrong"
    told = defaultdict(list)
    for row in await sql.fetch("select payload from outbox where type like 'batch.%' order by id"):
        data = json.loads(row["payload"])["data"]
        told[data["batch_id"]].append(data["version"])
    for batch_id, versions in told.items():
        assert versions == list(range(1, len(versions) + 1)), f"the events of {batch_id} are not its history"


async def openings(sql: asyncpg.Connection) -> Counter[str]:
    """How many sessions each device had."""
    rows = await sql.fetch("select device_uid, count(*) from update_sessions group by 1")
    return Counter({row["device_uid"]: row["count"] for row in rows})
