"""A device's life over REST: deploy, recall, maintenance, retire, purge."""

import asyncio
import itertools
import json

import pytest

from device_management.devices.states import Lifecycle

CALLS = {"deploy": "deployed", "recall": "in_stock", "maintenance": "maintenance"}


@pytest.fixture
async def pump(admin):
    return (await admin.post("/api/v2/devices", json={"device_uid": "pump-1", "name": "Pump"})).json()


@pytest.fixture
def platform_admin(credentials, organizations):
    token = credentials.person(
        "devices:read", "devices:write", "platform:admin", organization_id=organizations.own, user="7"
    )
    return {"Authorization": f"Bearer {token}"}


async def events(sql):
    rows = await sql.fetch("select payload from outbox order by id")
    return [json.loads(row["payload"]) for row in rows]


async def history(client, reference="pump-1"):
    entries = (await client.get(f"/api/v2/devices/{reference}/audit")).json()["items"]
    return [entry["action"] for entry in reversed(entries)]


@pytest.mark.parametrize("present", Lifecycle)
@pytest.mark.parametrize("call", CALLS)
async def test_each_call_from_each_state(admin, sql, pump, present, call):
    await sql.execute("update devices set lifecycle = $1", present.value)
    to = CALLS[call]
    answer = await admin.put(f"/api/v2/devices/pump-1/{call}")
    if present == "retired":
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_transition")
        assert answer.json()["lifecycle"] == "retired"
    else:
        assert (answer.status_code, answer.json()["lifecycle"]) == (200, to)
        changed = present != to
        assert answer.json()["version"] == (2 if changed else 1)
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        assert [event["type"] for event in await events(sql)][1:] == ["device.changed.v1"] * changed


async def test_the_event_of_a_move_carries_the_whole_state(admin, sql, pump):
    await admin.put("/api/v2/devices/pump-1/deploy")
    data = (await events(sql))[-1]["data"]
    assert (data["lifecycle"], data["version"], data["name"]) == ("deployed", 2, "Pump")


async def test_the_audit_log_tells_who_moved_it_and_from_where(admin, pump):
    await admin.put("/api/v2/devices/pump-1/deploy")
    newest = (await admin.get("/api/v2/devices/pump-1/audit")).json()["items"][0]
    assert newest["action"] == "deployed"
    assert (newest["before"], newest["after"]) == ({"lifecycle": "in_stock"}, {"lifecycle": "deployed"})
    assert newest["actor"]["kind"] == "api_key", "a token without a sign-in is a key"


async def test_of_fifty_deployments_at_once_one_takes_effect(admin, sql, pump):
    answers = await asyncio.gather(*(admin.put("/api/v2/devices/pump-1/deploy") for _ in range(50)))
    assert {(answer.status_code, answer.json()["version"]) for answer in answers} == {(200, 2)}
    assert len(await events(sql)) == 2
    assert await history(admin) == ["registered", "deployed"]


async def test_fifty_different_moves_at_once_make_one_chain(admin, sql, pump):
    """Every version differs from the one before by a move of the table, in the events and in the audit log."""
    calls = [list(CALLS)[number % 3] for number in range(50)]
    answers = await asyncio.gather(*(admin.put(f"/api/v2/devices/pump-1/{call}") for call in calls))
    assert {answer.status_code for answer in answers} == {200}
    states = [event["data"] for event in await events(sql)]
    assert [state["version"] for state in states] == list(range(1, len(states) + 1))
    assert all(one["lifecycle"] != other["lifecycle"] for one, other in itertools.pairwise(states))
    entries = (await admin.get("/api/v2/devices/pump-1/audit?limit=100")).json()["items"][::-1]
    assert [entry["after"]["lifecycle"] for entry in entries] == [state["lifecycle"] for state in states]


async def test_a_move_with_a_stale_version_is_refused(admin, pump):
    await admin.put("/api/v2/devices/pump-1/deploy")
    answer = await admin.put("/api/v2/devices/pump-1/recall", headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "stale")
    answer = await admin.put("/api/v2/devices/pump-1/recall", headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.json()["lifecycle"]) == (200, "in_stock")


class TestStatus:
    @pytest.mark.parametrize("word", ["deployed", "DEPLOYED"])
    async def test_a_word_of_the_lifecycle_moves_it(self, admin, pump, word):
        answer = await admin.put("/api/v2/devices/pump-1/status", json={"status": word})
        assert (answer.status_code, answer.json()["lifecycle"], answer.json()["status"]) == (200, "deployed", "idle")

    async def test_another_word_sets_what_is_shown_and_answers_before_and_after(self, admin, sql, pump):
        answer = await admin.put("/api/v2/devices/pump-1/status", json={"status": "BUSY"})
        body = answer.json()
        assert (body["success"], body["previous_status"], body["current_status"]) == (True, "idle", "busy")
        assert (body["message"], body["lifecycle"]) == ("status of pump-1 set to busy", "in_stock")
        assert (await events(sql))[-1]["type"] == "device.changed.v1"
        assert await history(admin) == ["registered", "status_set"]

    async def test_maintenance_is_of_the_lifecycle_and_shown(self, admin, pump):
        body = (await admin.put("/api/v2/devices/pump-1/status", json={"status": "MAINTENANCE"})).json()
        assert (body["lifecycle"], body["previous_status"], body["current_status"]) == (
            "maintenance",
            "idle",
            "maintenance",
        )

    @pytest.mark.parametrize("body", [{}, {"status": "sleeping"}, {"status": None}, {"status": 1}, {"state": "idle"}])
    async def test_a_word_that_is_none_is_refused(self, admin, pump, body):
        answer = await admin.put("/api/v2/devices/pump-1/status", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")

    async def test_the_refusal_names_every_word_once(self, admin, pump):
        answer = await admin.put("/api/v2/devices/pump-1/status", json={"status": "sleeping"})
        [error] = answer.json()["errors"]
        assert error["location"] == ["body", "status"]
        assert error["message"].startswith("must be one of busy, deployed, error, idle, in_stock, maintenance, offline")

    @pytest.mark.parametrize(
        ("word", "lifecycle", "status"),
        [
            ("in_stock", "in_stock", "idle"),
            ("ERROR", "in_stock", "error"),
            ("deployed", "deployed", "idle"),
            ("maintenance", "maintenance", "maintenance"),
        ],
    )
    async def test_a_device_begins_where_its_registration_says(self, admin, word, lifecycle, status):
        device = (await admin.post("/api/v2/devices", json={"status": word})).json()
        assert (device["lifecycle"], device["status"]) == (lifecycle, status)

    async def test_no_life_begins_with_its_end(self, admin):
        assert (await admin.post("/api/v2/devices", json={"status": "retired"})).status_code == 422


class TestRetiring:
    async def test_it_refuses_every_token_and_tells_everybody(self, admin, sql, pump):
        await admin.post("/api/v2/devices/pump-1/token")
        assert (await admin.delete("/api/v2/devices/pump-1")).status_code == 204
        last = (await events(sql))[-1]
        assert (last["type"], last["data"]["lifecycle"]) == ("device.retired.v1", "retired")
        assert last["data"]["min_token_generation"] == 2
        row = await sql.fetchrow("select * from devices")
        assert row["tokens_revoked_at"] is not None
        assert row["token_expires_at"] is None
        assert await history(admin) == ["registered", "retired"]

    async def test_it_can_still_be_read_and_neither_edited_nor_revived(self, admin, pump):
        await admin.delete("/api/v2/devices/pump-1")
        assert (await admin.get("/api/v2/devices/pump-1")).json()["lifecycle"] == "retired"
        for method, path, body in [
            ("PATCH", "", {"name": "x"}),
            ("PUT", "", {"name": "x"}),
            ("PUT", "/deploy", None),
            ("PUT", "/status", {"status": "idle"}),
            ("PUT", "/status", {"status": "in_stock"}),
            ("POST", "/token", None),
        ]:
            answer = await admin.request(method, f"/api/v2/devices/pump-1{path}", json=body)
            assert answer.status_code == 409, (method, path)

    async def test_again_changes_nothing(self, admin, sql, pump):
        for _ in range(2):
            assert (await admin.delete("/api/v2/devices/pump-1")).status_code == 204
        assert len(await events(sql)) == 2

    async def test_a_status_of_retired_retires(self, admin, sql, pump):
        answer = await admin.put("/api/v2/devices/pump-1/status", json={"status": "retired"})
        assert (answer.status_code, answer.json()["lifecycle"]) == (200, "retired")
        assert (await events(sql))[-1]["type"] == "device.retired.v1"


class TestPurging:
    async def test_it_takes_a_platform_administrator(self, admin, pump):
        answer = await admin.delete("/api/v2/devices/pump-1?purge=true")
        assert answer.status_code == 403
        assert "platform:admin" in answer.json()["detail"]

    async def test_nothing_is_left_but_a_tombstone(self, admin, sql, pump, platform_admin):
        await admin.patch("/api/v2/devices/pump-1", json={"attributes": {"owner": "Ada"}, "tags": ["x"]})
        answer = await admin.delete("/api/v2/devices/pump-1?purge=true", headers=platform_admin)
        assert answer.status_code == 204
        for reference in ("pump-1", pump["id"]):
            assert (await admin.get(f"/api/v2/devices/{reference}")).status_code == 404
            assert (await admin.put(f"/api/v2/devices/{reference}/deploy")).status_code == 404
        assert (await admin.get("/api/v2/devices")).json()["items"] == []
        last = (await events(sql))[-1]
        assert (last["type"], last["data"]["lifecycle"], last["data"]["version"]) == ("device.purged.v1", "purged", 3)
        assert (last["data"]["name"], last["data"]["attributes"], last["data"]["tags"]) == (None, {}, [])
        row = await sql.fetchrow("select * from audit_entries order by id desc limit 1")
        assert (row["action"], row["before"], row["after"]) == ("purged", None, None)

    async def test_its_uid_stays_with_its_organization(self, admin, stranger, pump, platform_admin):
        await admin.delete("/api/v2/devices/pump-1?purge=true", headers=platform_admin)
        answer = await stranger.post("/api/v2/devices", json={"device_uid": "pump-1"})
        assert (answer.status_code, answer.json()["code"]) == (409, "device_uid_taken")

    async def test_registered_anew_it_goes_on_counting_and_no_old_token_is_good(self, admin, sql, pump, platform_admin):
        await admin.post("/api/v2/devices/pump-1/token")
        await admin.delete("/api/v2/devices/pump-1?purge=true", headers=platform_admin)
        anew = await admin.post("/api/v2/devices", json={"device_uid": "pump-1", "name": "Other"})
        assert anew.status_code == 201
        assert (anew.json()["version"], anew.json()["lifecycle"], anew.json()["name"]) == (3, "in_stock", "Other")
        data = (await events(sql))[-1]["data"]
        assert (data["version"], data["min_token_generation"]) == (3, 2)
        assert (await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})).status_code == 409
