"""Whatever people, devices, time and three workers do to batches of the same devices at once: the ledger holds."""

import asyncio

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ota_service.sessions.states import OPEN
from shared.testing.databases import empty

from ..sessions import ledger as sessions_ledger
from . import ledger

UIDS = [f"pump-{number}" for number in range(1, 6)]
BATCHES = "/api/v2/updates/batches"
UNFINISHED = """
    select state from update_batches where state in ('pending', 'in_progress')
    union all select state from update_sessions where deadline is not null
"""

actions = st.one_of(
    st.just(("step",)),
    st.just(("time",)),
    st.tuples(st.just("create"), st.sets(st.sampled_from(UIDS), min_size=1), st.none() | st.integers(1, 2)),
    st.tuples(st.sampled_from(["cancel", "retry", "start"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["ack", "downloading", "flashed", "complete", "fail"]), st.sampled_from(UIDS)),
)
rounds = st.lists(st.lists(actions, min_size=1, max_size=4), min_size=1, max_size=8)


@given(rounds)
@hypothesis_settings(max_examples=15)
async def test_counts_are_right_no_device_is_in_two_sessions_and_every_batch_ends(
    add_devices, add_firmware, person, device, deadlines, steps, sql, rounds
):
    await empty(sql)
    await add_devices(*UIDS)
    firmware_id = (await add_firmware()).id
    made: list[int] = []

    async def act(action):
        match action:
            case ("step",):
                await steps()
            case ("create", uids, concurrency):
                body = {"name": "x", "firmware_id": firmware_id, "device_ids": sorted(uids), "concurrency": concurrency}
                made.append((await person.post(BATCHES, json=body)).json()["id"])
            case (("cancel" | "retry" | "start") as verb, number):
                if number < len(made):
                    answer = await person.post(f"{BATCHES}/{made[number]}/{verb}")
                    assert answer.status_code in {200, 202, 409}, answer.text
            case (verb, uid):
                for offer in (await device(uid).waiting()).json()["items"]:
                    assert (await device(uid).say(offer["session_id"], verb)).status_code in {200, 409}

    for step in rounds:
        together = [action for action in step if action != ("time",)]
        if len(together) < len(step):
            await pass_time(sql)
            await deadlines()
        await asyncio.gather(*(act(action) for action in together), steps(), steps(), steps())
        await ledger.check(sql)
        await sessions_ledger.check(sql)
    for _ in range(len(made) * len(UIDS) * 2 + 1):
        await steps()
        if not await sql.fetch(UNFINISHED):
            break
        await pass_time(sql)
        await deadlines()
    await steps()
    await ledger.check(sql)
    assert not await sql.fetch(UNFINISHED)
    assert not {row["state"] for row in await sql.fetch("select state from update_sessions")} & OPEN


async def pass_time(sql):
    """So much that every open session is overdue, and every waiting device has its turn."""
    await sql.execute("update update_sessions set deadline = now() - interval '1 s' where deadline is not null")
    await sql.execute("update batch_devices set next_at = now() - interval '1 s' where state = 'pending'")
    await sql.execute("update update_batches set next_step_at = now() where state in ('pending', 'in_progress')")
