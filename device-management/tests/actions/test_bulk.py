"""One call to many devices: each has an outcome of its own."""

import json

from msgspec.structs import asdict

from device_management.actions import service
from device_management.actions.rules import asked
from device_management.actions.store import ActionStore


async def ask_many(client, **body):
    return await client.post("/api/v2/actions/bulk", json={"type": "system_reboot", **body})


async def test_each_device_is_asked_or_skipped_with_the_reason(fleet, stranger, commands):
    await stranger.post("/api/v2/devices", json={"device_uid": "foreign"})
    await fleet.delete("/api/v2/devices/pump-3")
    uids = ["pump-2", "nobody", "pump-1", "pump-3", "foreign", "pump-1"]
    answer = await ask_many(fleet, device_uids=uids)
    assert answer.status_code == 202
    bulk = answer.json()
    assert (bulk["total"], bulk["counts"]) == (5, {"running": 2})
    assert bulk["skipped"] == [
        {"device_uid": "nobody", "reason": "device_not_found"},
        {"device_uid": "pump-3", "reason": "device_retired"},
        {"device_uid": "foreign", "reason": "device_not_found"},
    ]
    listed = (await fleet.get(f"/api/v2/actions?bulk={bulk['bulk_id']}")).json()["items"]
    assert {item["device_uid"] for item in listed} == {"pump-1", "pump-2"}
    assert len(await commands("pump-1")) == 1


async def test_what_is_told_of_new_actions_is_what_is_stored_of_them(fleet, ask, app, monkeypatch):
    made = []

    def remembered(*given, **named):
        made.append(asked(*given, **named))
        return made[-1]

    monkeypatch.setattr(service, "asked", remembered)
    await ask("pump-1", params={"delay_s": 3})
    await ask_many(fleet, device_uids=["pump-1", "pump-2"], priority=7, params={"deep": [1, {"b": None}]})
    assert [action.state for action in made] == ["running", "pending", "running"]
    async with app.state.scopes() as scope:
        stored = await ActionStore(scope.unit.session).known([action.id for action in made])
    for action in made:
        of_row = {name: getattr(stored[action.id], name) for name in action.__struct_fields__}
        assert asdict(action) == of_row


async def test_the_call_is_in_the_audit_log_once(fleet, sql):
    bulk = (await ask_many(fleet, device_uids=["pump-1", "pump-2", "nobody"], params={"token": "hunter2"})).json()
    [entry] = await sql.fetch("select subject_id, action, after from audit_entries where subject_kind = 'bulk_action'")
    assert (entry["subject_id"], entry["action"]) == (str(bulk["bulk_id"]), "requested")
    after = json.loads(entry["after"])
    assert after == {"type": "system_reboot", "params": {"token": "***"}, "target": {}, "devices": 2, "skipped": 1}


async def test_the_word_is_not_taken_for_the_id_of_an_action(fleet):
    answer = await fleet.get("/api/v2/actions/bulk")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_the_call_shows_how_far_its_devices_are(fleet, commands, hear):
    bulk = (await ask_many(fleet, device_uids=["pump-1", "pump-2"])).json()
    await hear(("pump-1", {"id": (await commands())[0]["id"], "state": "completed"}))
    now = (await fleet.get(f"/api/v2/actions/bulk/{bulk['bulk_id']}")).json()
    assert now["counts"] == {"running": 1, "completed": 1}


async def test_a_query_or_a_group_says_who_is_asked(fleet):
    bulk = (await ask_many(fleet, rql='like(device_uid,"pump-*")')).json()
    assert (bulk["total"], bulk["target"]) == (3, {"rql": 'like(device_uid,"pump-*")'})
    group = (await fleet.post("/api/v2/groups", json={"name": "two", "rql": 'ne(device_uid,"pump-1")'})).json()
    bulk = (await ask_many(fleet, group=group["id"])).json()
    assert (bulk["total"], bulk["target"]) == (2, {"group": group["id"]})
    assert (await ask_many(fleet, rql='eq(tags,"nobody")')).json()["total"] == 0


async def test_a_bad_query_and_a_missing_group_are_named_and_nothing_is_asked(fleet, sql):
    assert (await ask_many(fleet, rql="eq(device_uid")).status_code == 400
    assert (await ask_many(fleet, group=12345)).status_code == 404
    assert (await ask_many(fleet)).status_code == 422
    assert (await ask_many(fleet, device_uids=["pump-1"], rql="exists(name)")).status_code == 422
    assert await sql.fetchval("select count(*) from bulk_actions") == 0


async def test_ten_thousand_devices_are_asked_in_one_call(fleet, clones, sql, organizations):
    await clones("many-", 10_001, organization_id=organizations.own)
    answer = await ask_many(fleet, rql='like(device_uid,"many-*")')
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_devices")
    bulk = (await ask_many(fleet, rql='and(like(device_uid,"many-*"),ne(device_uid,"many-1"))')).json()
    assert bulk["counts"] == {"running": 10_000}
    assert await sql.fetchval("select count(*) from device_commands") == 10_000
    assert await sql.fetchval("select count(*) from devices where current_action_id is not null") == 10_000
