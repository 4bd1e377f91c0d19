"""Actions as people ask for them, look at them and cancel them."""

import pytest


async def test_an_action_on_an_idle_device_begins_at_once(fleet, ask, commands, told):
    begun = await ask(params={"delay_s": 5})
    assert (begun["state"], begun["attempt"], begun["device_uid"]) == ("running", 1, "pump-1")
    [command] = await commands()
    assert (command["type"], command["params"], command["deadline"]) == (
        "system_reboot",
        {"delay_s": 5},
        begun["deadline"],
    )
    assert await told(begun["action_id"]) == ["action.requested.v1", "action.started.v1"]


async def test_the_device_shows_what_it_does(fleet, ask, sql):
    await sql.execute("update devices set online = true")
    reboot = await ask()
    await ask("pump-2", type="FIRMWARE_UPDATE")

    async def shown(uid: str) -> tuple[str, int | None]:
        device = (await fleet.get(f"/api/v2/devices/{uid}")).json()
        return device["status"], device["current_action_id"]

    assert await shown("pump-1") == ("busy", reboot["action_id"])
    assert (await shown("pump-2"))[0] == "updating"
    await fleet.post(f"/api/v2/actions/{reboot['action_id']}/cancel")
    assert await shown("pump-1") == ("idle", None)


async def test_what_comes_meanwhile_waits_and_the_greater_priority_is_first(fleet, ask, action, commands):
    first, low, high, also_high = [(await ask(priority=priority))["action_id"] for priority in (0, 0, 5, 5)]
    assert [(await action(number))["state"] for number in (first, low, high, also_high)] == [
        "running",
        "pending",
        "pending",
        "pending",
    ]
    order = []
    for _ in range(3):
        running = [number for number in (first, low, high, also_high) if (await action(number))["state"] == "running"]
        order += running
        await fleet.post(f"/api/v2/actions/{running[0]}/cancel")
    assert order == [first, high, also_high]
    assert (await action(low))["state"] == "running"


async def test_a_device_that_never_began_is_not_sent_what_was_cancelled(fleet, ask, commands, told):
    running, pending = await ask(), await ask()
    answer = await fleet.post(f"/api/v2/actions/{pending['action_id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert len(await commands()) == 1
    assert await told(pending["action_id"]) == ["action.requested.v1", "action.cancelled.v1"]
    [command] = await commands()
    await fleet.post(f"/api/v2/actions/{running['action_id']}/cancel")
    [cancellation] = await commands()
    assert (cancellation["type"], cancellation["params"]) == ("cancel", {"id": command["id"]})


async def test_what_has_ended_is_not_cancelled_and_cancelling_twice_changes_nothing(fleet, ask, commands, hear):
    done, cancelled = await ask(), await ask("pump-2")
    await hear(("pump-1", {"id": (await commands())[0]["id"], "state": "completed"}))
    answer = await fleet.post(f"/api/v2/actions/{done['action_id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_transition")
    answers = [(await fleet.post(f"/api/v2/actions/{cancelled['action_id']}/cancel")).json() for _ in range(2)]
    assert answers[0] == answers[1]


async def test_actions_are_listed_the_newest_first_and_by_device_state_and_call(fleet, ask):
    for uid in ("pump-1", "pump-1", "pump-2"):
        await ask(uid)

    async def ids(query: str) -> list[int]:
        return [item["action_id"] for item in (await fleet.get(f"/api/v2/actions?{query}")).json()["items"]]

    assert await ids("") == [3, 2, 1]
    assert await ids("device_uid=pump-1") == [2, 1]
    assert await ids("state=pending") == [2]
    assert await ids("bulk=1") == []
    page = (await fleet.get("/api/v2/actions?limit=2")).json()
    assert await ids(f"limit=2&cursor={page['next']}") == [1]


async def test_the_short_form_answers_as_the_command_line_expects(fleet):
    body = {"action_type": "SOFTWARE_UPDATE", "action_params": {"version": "2.1.0"}}
    answer = await fleet.post("/api/v2/devices/pump-1/actions", json=body)
    assert answer.status_code == 202
    initiated = answer.json()
    assert initiated["success"] is True
    assert initiated["action_status"] == "running"
    info = initiated["action_info"]
    assert (info["device_id"], info["action_type"], info["params"]) == (
        "pump-1",
        "software_update",
        {"version": "2.1.0"},
    )
    again = (await fleet.get(f"/api/v2/devices/pump-1/actions/{initiated['action_id']}")).json()
    assert again["action_info"] == info
    assert (await fleet.get(f"/api/v2/devices/pump-2/actions/{initiated['action_id']}")).status_code == 404


async def test_the_same_key_asks_once(fleet, sql):
    body = {"device_uid": "pump-1", "type": "system_reboot"}
    first, again = [await fleet.post("/api/v2/actions", json=body, headers={"Idempotency-Key": "a"}) for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.status_code == 202
    assert await sql.fetchval("select count(*) from actions") == 1


async def test_a_retired_device_is_asked_nothing(fleet):
    await fleet.delete("/api/v2/devices/pump-1")
    answer = await fleet.post("/api/v2/actions", json={"device_uid": "pump-1", "type": "system_reboot"})
    assert (answer.status_code, answer.json()["code"]) == (409, "device_retired")


async def test_anothers_action_and_device_do_not_exist(fleet, ask, stranger):
    asked = await ask()
    body = {"device_uid": "pump-1", "type": "system_reboot"}
    assert (await stranger.post("/api/v2/actions", json=body)).status_code == 404
    for method, path in (
        ("GET", f"/api/v2/actions/{asked['action_id']}"),
        ("POST", f"/api/v2/actions/{asked['action_id']}/cancel"),
        ("GET", f"/api/v2/devices/pump-1/actions/{asked['action_id']}"),
        ("GET", "/api/v2/actions/bulk/1"),
    ):
        assert (await stranger.request(method, path)).status_code == 404
    assert (await stranger.get("/api/v2/actions")).json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"type": "system_reboot"},
        {"device_uid": "pump-1", "type": "no spaces"},
        {"device_uid": "pump-1", "type": "cancel"},
        {"device_uid": "pump-1", "type": "x", "deadline_s": 0},
        {"device_uid": "pump-1", "type": "x", "priority": 1000},
        {"device_uid": "pump-1", "type": "x", "params": {"nul": "\u0000"}},
        {"device_uid": "pump-1", "type": "x", "params": {"large": "x" * 20_000}},
        {"device_uid": "pump-1", "type": "x", "retry": {"busy": {"max_attempts": 0}}},
        {"device_uid": "pump-1", "type": "x", "unknown": 1},
    ],
)
async def test_what_has_the_wrong_shape_is_refused_whole(fleet, sql, body):
    assert (await fleet.post("/api/v2/actions", json=body)).status_code == 422
    assert await sql.fetchval("select count(*) from actions") == 0


async def test_what_was_done_is_in_the_audit_log(fleet, ask, sql):
    asked = await ask()
    await fleet.post(f"/api/v2/actions/{asked['action_id']}/cancel")
    rows = await sql.fetch("select action from audit_entries where subject_kind = 'action' order by id")
    assert [row["action"] for row in rows] == ["requested", "cancelled"]
