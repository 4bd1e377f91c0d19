"""Batches as people make them and see them."""

import json

import pytest

BATCHES = "/api/v2/updates/batches"


async def told(sql):
    rows = await sql.fetch("select payload from outbox where type like 'batch.%' order by id")
    return [json.loads(row["payload"])["type"].removesuffix(".v1").removeprefix("batch.") for row in rows]


async def test_a_batch_by_ids_as_the_interface_says(person, fleet, steps, finish, look, sql):
    body = {"name": "spring", "firmware_id": fleet, "device_ids": ["pump-1", "pump-2"]}
    answer = await person.post(BATCHES, json=body)
    assert answer.status_code == 202
    made = answer.json()
    assert (made["state"], made["total"], made["counts"]["pending"]) == ("pending", 2, 2)
    await steps()
    assert (await look(made["id"]))["state"] == "in_progress"
    await finish(made["id"], "pump-1", "pump-2")
    await steps()
    ended = await look(made["id"])
    assert (ended["state"], ended["counts"]["succeeded"]) == ("completed", 2)
    assert [row["session_id"] is not None for row in ended["devices"]["items"]] == [True, True]
    news = await told(sql)
    assert [kind for kind in news if kind != "progressed"] == ["created", "started", "completed"]


async def test_what_cannot_be_updated_is_skipped_with_the_reason(order, add_devices, states, steps):
    await add_devices("retired", lifecycle="retired")
    await add_devices("off", updates_enabled=False)
    await add_devices("theirs", organization_id=2)
    batch = await order(device_ids=["pump-1", "retired", "off", "theirs", "999999999999999999999999999999999999999"])
    await steps()
    assert await states(batch["id"]) == {
        "pump-1": "initiated",
        "retired": "skipped retired",
        "off": "skipped updates_disabled",
        "theirs": "skipped device_not_found",
        "999999999999999999999999999999999999999": "skipped device_not_found",
    }
    assert batch["counts"] == {"pending": 1, "initiated": 0, "succeeded": 0, "failed": 0, "skipped": 4, "cancelled": 0}


async def test_devices_may_be_named_by_uid_and_by_id_and_twice(order, sql, states):
    number = await sql.fetchval("select device_id from fleet_devices where device_uid = 'pump-1'")
    batch = await order(device_ids=[number, "pump-1", str(number), "pump-2", "pump-2"])
    assert batch["total"] == 2
    assert set(await states(batch["id"])) == {"pump-1", "pump-2"}


async def test_devices_may_be_found_by_a_query_or_by_their_group(order, add_devices, sql, person, fleet):
    await add_devices("pump-2", version=2, group_ids=[7])
    await sql.execute("insert into fleet_groups values (7, 1, 'north', null, false, 1)")
    for chosen in ({"rql": 'eq(device_uid,"pump-2")'}, {"group": 7}, {"group": "north"}):
        batch = await order(**chosen)
        assert batch["total"] == 1, chosen
    assert batch["target"] == {"group_id": 7}
    refused = await person.post(BATCHES, json={"name": "x", "firmware_id": fleet, "rql": 'eq(status,"idle")'})
    assert (refused.status_code, refused.json()["position"]) == (400, 3)
    refused = await person.post(BATCHES, json={"name": "x", "firmware_id": fleet, "group": 8})
    assert (refused.status_code, refused.json()["code"]) == (404, "group_not_found")


async def test_the_firmware_must_be_there_and_approved(person, fleet, add_firmware):
    waiting = await add_firmware("3.0", approved=False)
    for firmware_id, status in ((waiting.id, 409), (999_999, 404)):
        body = {"name": "x", "firmware_id": firmware_id, "device_ids": ["pump-1"]}
        assert (await person.post(BATCHES, json=body)).status_code == status
    assert (await person.get(BATCHES)).json()["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"device_ids": None},
        {"device_ids": []},
        {"rql": "eq(id,1)"},
        {"device_ids": ["a b"]},
        {"device_ids": [0]},
        {"name": ""},
        {"name": "a\0b"},
        {"name": "\u200b"},
        {"concurrency": 0},
        {"start_at": "2026-01-01T00:00:00"},
        {"start_at": "9999-12-31T23:59:59-12:00"},
        {"window": {"begins": "01:00"}},
        {"window": {"begins": "01:00", "ends": "02:00", "days": []}},
        {"window": {"begins": "01:00Z", "ends": "02:00"}},
        {"unknown": 1},
    ],
)
async def test_a_wrong_shape_is_refused_whole(person, fleet, wrong):
    body = {"name": "x", "firmware_id": fleet, "device_ids": ["pump-1"], **wrong}
    assert (await person.post(BATCHES, json=body)).status_code == 422
    assert (await person.get(BATCHES)).json()["items"] == []


async def test_a_dry_run_counts_and_shows_a_sample_and_writes_nothing(person, fleet, add_devices, sql):
    await add_devices("off", updates_enabled=False)
    body = {"name": "x", "firmware_id": fleet, "device_ids": ["pump-1", "off", "nobody"]}
    answer = await person.post(f"{BATCHES}?dry_run=true", json=body)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["total"], found["pending"]) == (3, 1)
    assert found["skipped"] == {"updates_disabled": 1, "device_not_found": 1}
    assert {row["device_uid"] for row in found["sample"]} == {"off", "nobody"}
    assert await sql.fetchval("select count(*) from update_batches") == 0


async def test_more_devices_than_a_batch_may_hold_are_413(app, person, fleet, order):
    for chosen in ({"device_ids": [f"d{number}" for number in range(100_001)]},):
        answer = await person.post(BATCHES, json={"name": "x", "firmware_id": fleet, **chosen})
        assert (answer.status_code, answer.json()["code"]) == (413, "batch_too_large")


async def test_the_same_key_makes_one_batch(person, fleet, sql):
    body = {"name": "x", "firmware_id": fleet, "device_ids": ["pump-1"]}
    answers = [await person.post(BATCHES, json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await sql.fetchval("select count(*) from update_batches") == 1


async def test_pages_of_batches_and_of_devices(person, order, steps):
    made = [(await order(name=f"batch {number}", device_ids=["pump-1"]))["id"] for number in range(3)]
    first = (await person.get(f"{BATCHES}?limit=2")).json()
    rest = (await person.get(f"{BATCHES}?limit=2&cursor={first['next']}")).json()
    assert [batch["id"] for batch in first["items"] + rest["items"]] == made[::-1]
    assert (await person.get(f"{BATCHES}?state=completed")).json()["items"] == []
    batch = (await order())["id"]
    one = (await person.get(f"{BATCHES}/{batch}?limit=1")).json()["devices"]
    others = (await person.get(f"{BATCHES}/{batch}/devices?cursor={one['next']}")).json()
    assert [row["device_uid"] for row in one["items"] + others["items"]] == ["pump-1", "pump-2", "pump-3"]
    pending = await person.get(f"{BATCHES}/{batch}/devices?state=pending")
    assert len(pending.json()["items"]) == 3


async def test_a_batch_waits_for_its_time_or_for_somebody_to_start_it(person, order, steps, look):
    batch = await order(start_at="2099-01-01T00:00:00Z")
    await steps()
    assert (await look(batch["id"]))["state"] == "pending"
    assert (await person.post(f"{BATCHES}/{batch['id']}/start")).status_code == 200
    await steps()
    assert (await look(batch["id"]))["counts"]["initiated"] == 3
    again = await person.post(f"{BATCHES}/{batch['id']}/start")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_batch_state")


async def test_a_cancelled_batch_begins_nothing_more_and_cancels_what_is_open(person, order, steps, states, look, sql):
    batch = (await order(concurrency=1))["id"]
    await steps()
    answer = await person.post(f"{BATCHES}/{batch}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    await steps()
    assert await states(batch) == {
        "pump-1": "cancelled session_cancelled",
        "pump-2": "cancelled batch_cancelled",
        "pump-3": "cancelled batch_cancelled",
    }
    assert await sql.fetchval("select state from update_sessions") == "cancelled"
    again = await person.post(f"{BATCHES}/{batch}/cancel")
    assert (again.status_code, again.json()["version"]) == (200, (await look(batch))["version"])


async def test_a_batch_that_has_ended_is_not_cancelled(person, order, steps, finish):
    batch = (await order())["id"]
    await steps()
    await finish(batch, "pump-1", "pump-2", "pump-3")
    await steps()
    assert (await person.post(f"{BATCHES}/{batch}/cancel")).json()["code"] == "wrong_batch_state"


async def test_what_failed_is_retried_and_the_batch_goes_on(person, order, steps, finish, look, sql):
    batch = (await order())["id"]
    assert (await person.post(f"{BATCHES}/{batch}/retry")).json()["code"] == "nothing_to_retry"
    await steps()
    await finish(batch, "pump-1", "pump-2", "pump-3", failing={"pump-1", "pump-2", "pump-3"})
    await steps()
    assert (await look(batch))["state"] == "failed"
    assert (await person.post(f"{BATCHES}/{batch}/retry")).status_code == 202
    await steps()
    seen = await look(batch)
    assert (seen["state"], seen["counts"]["initiated"]) == ("in_progress", 3)
    assert {row["attempts"] for row in seen["devices"]["items"]} == {2}
    await finish(batch, "pump-1", "pump-2", "pump-3", failing={"pump-1"})
    await steps()
    assert (await look(batch))["state"] == "completed"
    kinds = [kind for kind in await told(sql) if kind != "progressed"]
    assert kinds == ["created", "started", "failed", "started", "completed"]
