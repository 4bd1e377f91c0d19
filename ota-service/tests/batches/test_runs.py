"""Carrying batches on: limits, windows, devices that are busy, and what goes wrong."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from ota_service.batch_runs.service import BatchRunService
from ota_service.batches.service import CHUNK

from . import ledger

BATCHES = "/api/v2/updates/batches"


async def make_due(sql):
    await sql.execute("update batch_devices set next_at = now() - interval '1 s' where state = 'pending'")
    await sql.execute("update update_batches set next_step_at = now() - interval '1 s'")


async def test_no_more_sessions_are_open_than_the_batch_allows(order, steps, finish, look, sql):
    batch = (await order(concurrency=2))["id"]
    await steps()
    assert (await look(batch))["counts"] | {"skipped": 0} == {
        "pending": 1,
        "initiated": 2,
        "succeeded": 0,
        "failed": 0,
        "skipped": 0,
        "cancelled": 0,
    }
    await finish(batch, "pump-1")
    await steps()
    await ledger.check(sql)
    assert (await look(batch))["counts"]["initiated"] == 2
    await finish(batch, "pump-2", "pump-3")
    await steps()
    assert (await look(batch))["state"] == "completed"
    await ledger.check(sql)


async def test_a_batch_that_cannot_be_stepped_holds_up_no_other(order, steps, look, sql, monkeypatch):
    broken, other = (await order(device_ids=["pump-1"]))["id"], (await order(device_ids=["pump-2"]))["id"]
    step = BatchRunService._carry_on

    async def fails_for_one(service, batch):
        if batch.id == broken:
            raise KeyError("a defect")
        await step(service, batch)

    monkeypatch.setattr(BatchRunService, "_carry_on", fails_for_one)
    await steps()
    assert [(await look(batch))["state"] for batch in (broken, other)] == ["pending", "in_progress"]
    monkeypatch.undo()
    await steps()
    assert (await look(broken))["state"] == "pending", "it is left aside for a while"
    await sql.execute("update update_batches set stepped_at = now()")
    await steps()
    assert (await look(broken))["state"] == "in_progress"
    await ledger.check(sql)


async def test_no_more_sessions_are_open_at_a_site_than_the_batch_allows(order, steps, add_devices, finish, states):
    await add_devices("pump-1", "pump-2", version=2, site_id=7)
    await add_devices("pump-3", version=2, site_id=8)
    await add_devices("pump-4", "pump-5")
    batch = (await order(per_site=1))["id"]
    await steps()
    seen = await states(batch)
    assert seen == {
        "pump-1": "initiated",
        "pump-2": "pending",
        "pump-3": "initiated",
        "pump-4": "initiated",
        "pump-5": "initiated",
    }
    await finish(batch, "pump-1")
    await steps()
    assert (await states(batch))["pump-2"] == "initiated"


async def test_a_device_that_another_update_keeps_busy_waits_for_its_turn(
    order, person, device, steps, states, sql, fleet
):
    other = (await person.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_id": fleet})).json()
    batch = (await order(device_ids=["pump-1"]))["id"]
    await steps()
    assert await states(batch) == {"pump-1": "pending update_open"}
    await person.post(f"/api/v2/updates/{other['session_id']}/cancel")
    await make_due(sql)
    await steps()
    assert await states(batch) == {"pump-1": "initiated"}
    await ledger.check(sql)


async def test_a_device_that_is_busy_for_too_long_has_failed(order, person, steps, states, sql, fleet, look):
    await person.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_id": fleet})
    batch = (await order(device_ids=["pump-1"], deadline_s=60))["id"]
    await steps()
    await sql.execute("update batch_devices set wait_until = now()")
    await make_due(sql)
    await steps()
    assert await states(batch) == {"pump-1": "failed update_open"}
    assert (await look(batch))["state"] == "failed"


def around(now, *, opens, closes):
    """A window from so many minutes after now to so many."""
    begins, ends = (now + timedelta(minutes=minutes) for minutes in (opens, closes))
    return {"begins": begins.strftime("%H:%M"), "ends": ends.strftime("%H:%M")}


async def test_a_device_is_updated_within_its_window_alone(order, steps, states, sql, add_devices, deadlines):
    now = datetime.now(UTC)
    await add_devices("pump-2", version=2, attributes={"time_zone": "Etc/GMT-12"})
    await add_devices("pump-3", version=2, attributes={"time_zone": 5})
    batch = (await order(window=around(now, opens=-60, closes=60)))["id"]
    await steps()
    assert await states(batch) == {
        "pump-1": "initiated",
        "pump-2": "pending outside_window",
        "pump-3": "initiated",
    }
    deadline = await sql.fetchval("select max(deadline) from update_sessions")
    assert deadline - now < timedelta(minutes=61)
    await sql.execute("update update_sessions set deadline = now() - interval '1 s' where device_uid = 'pump-1'")
    await deadlines()
    await steps()
    assert (await states(batch))["pump-1"] == "initiated"
    assert (await ledger.openings(sql))["pump-1"] == 2
    await ledger.check(sql)


async def test_the_sessions_of_a_batch_have_its_terms(order, steps, sql, look):
    batch = await order(device_ids=["pump-1"], consent=True, soak_s=60, deadline_s=600)
    assert (batch["consent"], batch["soak_s"], batch["force"]) == (True, 60, False)
    await steps()
    session = await sql.fetchrow("select * from update_sessions")
    assert (session["state"], session["soak_s"]) == ("held", 60)
    assert (await look(batch["id"]))["counts"]["initiated"] == 1


async def test_a_device_that_times_out_has_failed(order, steps, states, sql, deadlines):
    batch = (await order(device_ids=["pump-1"]))["id"]
    await steps()
    await sql.execute("update update_sessions set deadline = now() - interval '1 s'")
    await deadlines()
    await steps()
    assert await states(batch) == {"pump-1": "failed timed_out"}


async def test_firmware_that_is_withdrawn_meanwhile_fails_the_devices_that_wait(order, steps, states, sql):
    batch = (await order(concurrency=1))["id"]
    await steps()
    await sql.execute("update firmwares set state = 'uploaded'")
    await sql.execute("update update_batches set concurrency = null, next_step_at = now()")
    await steps()
    assert await states(batch) == {
        "pump-1": "initiated",
        "pump-2": "failed firmware_not_approved",
        "pump-3": "failed firmware_not_approved",
    }


async def test_a_large_batch_is_chosen_by_workers_and_frozen(order, steps, look, sql, app, add_devices):
    await sql.execute(
        """
        insert into fleet_devices
        select (jsonb_populate_record(device, jsonb_build_object('device_uid', 'x-' || number))).*
        from fleet_devices device, generate_series(1, $1::int) number where device.device_uid = 'pump-1'
        """,
        CHUNK + 10,
    )
    made = await order(start_at="2099-01-01T00:00:00Z")
    assert (made["choosing"], made["total"]) == (True, CHUNK)
    await steps()
    chosen = await look(made["id"])
    assert (chosen["choosing"], chosen["total"]) == (False, CHUNK + 13)
    await add_devices("zz-late")
    await steps()
    assert (await look(made["id"]))["total"] == CHUNK + 13
    await ledger.check(sql)


async def test_a_step_that_is_rolled_back_is_done_again_and_nothing_twice(order, steps, sql, app):
    await order()
    for _ in range(3):
        with suppress(RuntimeError):
            async with app.state.scopes() as scope:
                await scope.get(BatchRunService).step()
                raise RuntimeError
        assert not await ledger.openings(sql)
        await ledger.check(sql)
    await steps()
    assert set((await ledger.openings(sql)).values()) == {1}
    await ledger.check(sql)


async def test_progress_is_told_at_most_once_a_while_and_never_forgotten(order, steps, finish, sql, look, monkeypatch):
    monkeypatch.setattr("ota_service.batches.service._TELLING", timedelta(hours=1))
    batch = (await order())["id"]
    await steps()
    await finish(batch, "pump-1")
    await steps()
    await sql.execute("update update_batches set told_at = now() - interval '1 hour', next_step_at = now()")
    await steps()
    rows = await sql.fetch("select payload from outbox where type = 'batch.progressed.v1' order by id")
    last = json.loads(rows[-1]["payload"])["data"]
    assert (last["succeeded"], last["initiated"]) == (1, 2)
    assert len(rows) == 1
    assert last["version"] == (await look(batch))["version"]
