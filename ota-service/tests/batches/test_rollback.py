"""Taking a batch back: exactly the devices that it updated, each to what it ran before."""

import pytest

from . import ledger

BATCHES = "/api/v2/updates/batches"


@pytest.fixture
async def running(order, add_firmware, steps, finish):
    """Devices that run versions of their own: pump-1 2.0, pump-2 2.1, and of pump-3 nobody knows."""
    older = {"pump-1": None, "pump-2": (await add_firmware("2.1")).id}
    for uid, firmware_id in older.items():
        batch = await order(device_ids=[uid], **({} if firmware_id is None else {"firmware_id": firmware_id}))
        await steps()
        await finish(batch["id"], uid)
        await steps()
    return (await add_firmware("3.0")).id


async def firmware_of(sql, batch_id):
    rows = await sql.fetch(
        "select device_uid, firmware_version from update_sessions join batch_devices using (device_uid) "
        "where batch_devices.batch_id = $1 and update_sessions.id = batch_devices.session_id",
        batch_id,
    )
    return {row["device_uid"]: row["firmware_version"] for row in rows}


async def rolled_back(person, batch, steps, sql):
    answer = await person.post(f"{BATCHES}/{batch}/rollback")
    assert answer.status_code == 202, answer.text
    await steps()
    await sql.execute("update update_batches set next_step_at = now()")
    await steps()
    return answer.json()["id"]


async def test_each_device_goes_back_to_what_it_ran_before(person, running, order, steps, finish, states, sql, look):
    batch = (await order(firmware_id=running))["id"]
    await steps()
    await finish(batch, "pump-1", "pump-2", "pump-3")
    await steps()
    back = await rolled_back(person, batch, steps, sql)
    assert await states(back) == {
        "pump-1": "initiated",
        "pump-2": "initiated",
        "pump-3": "skipped previous_firmware_unknown",
    }
    assert await firmware_of(sql, back) == {"pump-1": "2.0", "pump-2": "2.1"}
    assert (await look(batch))["rolled_back_by"] == back
    assert (await look(back))["rollback_of"] == batch
    await finish(back, "pump-1", "pump-2")
    await steps()
    assert (await look(back))["state"] == "completed"
    await ledger.check(sql)


async def test_who_was_not_updated_is_left_alone_and_what_is_open_is_cancelled(
    person, running, order, steps, finish, states, look, sql, device
):
    batch = (await order(firmware_id=running))["id"]
    await steps()
    await finish(batch, "pump-1", "pump-2", failing={"pump-2"})
    back = await rolled_back(person, batch, steps, sql)
    assert await states(back) == {"pump-1": "initiated"}
    assert (await look(batch))["state"] == "cancelled"
    assert (await states(batch))["pump-3"] == "cancelled session_cancelled"
    await ledger.check(sql)


async def test_a_device_that_was_updated_again_since_is_left_alone(
    person, running, order, steps, finish, sql, states, add_firmware
):
    batch = (await order(firmware_id=running))["id"]
    await steps()
    await finish(batch, "pump-1", "pump-2", "pump-3")
    later = await order(firmware_id=(await add_firmware("4.0")).id, device_ids=["pump-1"])
    await steps()
    await finish(later["id"], "pump-1")
    back = await rolled_back(person, batch, steps, sql)
    assert set(await states(back)) == {"pump-2", "pump-3"}


async def test_a_batch_is_taken_back_once(person, order, steps, finish, sql):
    batch = (await order())["id"]
    refused = await person.post(f"{BATCHES}/{batch}/rollback")
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_batch_state")
    await steps()
    answers = [await person.post(f"{BATCHES}/{batch}/rollback") for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert await sql.fetchval("select count(*) from update_batches") == 2
