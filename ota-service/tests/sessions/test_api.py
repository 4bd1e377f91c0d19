"""Updates as people and devices see them over REST."""

import base64
import json
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from jwt.algorithms import OKPAlgorithm

from shared.manifests import ManifestSigner

from ..conftest import IMAGE

PATH = ["ack", "downloading", "flashed", "complete"]


def code(answer):
    return answer.status_code, answer.json()["code"]


async def events(sql):
    return [row["type"].split(".")[1] for row in await sql.fetch("select type from outbox order by id")]


async def history(person, session_id):
    reports = (await person.get(f"/api/v2/updates/{session_id}")).json()["reports"]
    return [(report["by"], report["reported"], report["accepted"]) for report in reports]


async def test_an_update_from_its_opening_to_its_end(update, person, sql):
    for verb in PATH:
        answer = await update.device.say(update.id, verb)
        assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "completed"
    assert answer.json()["deadline"] is None
    session = (await person.get(f"/api/v2/updates/{update.id}")).json()
    assert (session["state"], session["progress"], session["previous_version"]) == ("completed", 100, "1.0")
    states = ["initiated", "acknowledged", "downloading", "flashed", "completed"]
    assert await events(sql) == states
    assert await history(person, update.id) == [
        ("person 7", "initiated", True),
        *(("device", state, True) for state in states[1:]),
    ]


async def test_events_carry_the_whole_state_and_a_growing_version(update, sql):
    for verb in PATH:
        await update.device.say(update.id, verb)
    data = [json.loads(row["payload"])["data"] for row in await sql.fetch("select payload from outbox order by id")]
    assert [event["version"] for event in data] == [1, 2, 3, 4, 5]
    assert {(event["counter"], event["firmware_version"], event["device_uid"]) for event in data} == {
        (data[0]["counter"], "2.0", "pump-1")
    }
    assert [event["deadline"] is None for event in data] == [False, False, False, False, True]


async def test_what_a_device_is_offered_is_signed_for_it_and_for_this_once(update, credentials):
    [offer] = (await update.device.waiting()).json()["items"]
    assert offer["session_id"] == update.id
    manifest = json.loads(offer["manifest"])
    assert (manifest["session"], manifest["device_uid"]) == (update.id, "pump-1")
    assert (manifest["sha256"], manifest["size"]) == (update.firmware.sha256, len(IMAGE))
    assert manifest["expires_at"] > manifest["issued_at"]
    [jwk] = [key for key in ManifestSigner.load(credentials.directory).public_keys() if key["kid"] == offer["key_id"]]
    key = OKPAlgorithm.from_jwk(jwk)
    key.verify(base64.b64decode(offer["signature"]), offer["manifest"].encode())
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(offer["signature"]), offer["manifest"].replace("pump-1", "pump-2").encode())


async def test_the_next_update_is_the_one_that_waits_or_nothing(update, device):
    answer = await update.device.http.get("/api/v2/device/pump-1/updates/next")
    assert answer.json()["session_id"] == update.id
    nothing = await device("pump-2").http.get("/api/v2/device/pump-2/updates/next")
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert (await device("pump-2").waiting()).json() == {"items": [], "next": None}


async def test_a_repeated_report_answers_with_what_is_there_and_changes_nothing(update, sql):
    first = await update.device.say(update.id, "ack")
    again = await update.device.say(update.id, "ack")
    assert (again.status_code, again.json()) == (200, first.json())
    assert await events(sql) == ["initiated", "acknowledged"]


async def test_a_later_session_has_a_greater_counter(update, person, sql):
    await update.device.say(update.id, "fail")
    await person.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_id": update.firmware.id})
    payloads = await sql.fetch("select payload from outbox where type = 'update_session.initiated.v1' order by id")
    first, second = (json.loads(row["payload"])["data"]["counter"] for row in payloads)
    assert first < second


async def test_a_wrong_transition_is_refused_and_kept(update, person, sql):
    assert code(await update.device.say(update.id, "flashed")) == (409, "wrong_transition")
    assert await history(person, update.id) == [("person 7", "initiated", True), ("device", "flashed", False)]
    assert await events(sql) == ["initiated"]


async def test_a_device_that_repeats_a_refused_report_for_ever_fills_no_table(update, sql):
    for _ in range(102):
        await update.device.say(update.id, "complete")
    assert await sql.fetchval("select count(*) from session_reports where not accepted") == 100


async def test_progress_goes_up_in_steps_and_is_told(update, sql):
    await update.device.say(update.id, "ack")
    for percent in [0, 4, 9, 10.0, 15, 12, 25, 100]:
        answer = await update.device.say(update.id, "downloading", progress=percent)
        assert answer.status_code == 200
    assert answer.json()["progress"] == 100
    told = ["progressed"] * 3
    assert await events(sql) == ["initiated", "acknowledged", "downloading", *told]


async def test_progress_does_not_put_off_the_deadline(update):
    await update.device.say(update.id, "ack")
    begun = (await update.device.say(update.id, "downloading")).json()["deadline"]
    assert (await update.device.say(update.id, "downloading", progress=50)).json()["deadline"] == begun


async def test_a_failure_says_why_and_its_text_is_cut(update, person):
    answer = await update.device.say(update.id, "fail", error="no space\0 left " * 100)
    assert answer.json()["state"] == "failed"
    session = (await person.get(f"/api/v2/updates/{update.id}")).json()
    assert session["error"].startswith("no space left no space")
    assert len(session["error"]) == 500


async def test_a_session_that_is_cancelled_before_the_device_has_begun_is_over_and_the_next_report_is_late(
    update, person
):
    answer = await person.post(f"/api/v2/updates/{update.id}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert (await person.post(f"/api/v2/updates/{update.id}/cancel")).status_code == 200
    assert code(await update.device.say(update.id, "ack")) == (409, "wrong_transition")
    assert (await history(person, update.id))[-1] == ("device", "acknowledged", False)
    assert (await update.device.waiting()).json()["items"] == []


async def test_what_is_completed_cannot_be_cancelled(update, person):
    for verb in PATH:
        await update.device.say(update.id, verb)
    assert code(await person.post(f"/api/v2/updates/{update.id}/cancel")) == (409, "wrong_transition")


async def test_a_device_has_one_open_session(update, person):
    body = {"device_uid": "pump-1", "firmware_id": update.firmware.id}
    answer = await person.post("/api/v2/updates", json=body)
    assert code(answer) == (409, "update_session_open")
    assert answer.json()["session_id"] == update.id
    await update.device.say(update.id, "fail")
    assert (await person.post("/api/v2/updates", json=body)).status_code == 202


async def test_an_unapproved_or_unknown_firmware_is_refused(add_devices, add_firmware, person):
    await add_devices("pump-1")
    raw = await add_firmware(approved=False)
    foreign = await add_firmware(organization_id=2)
    for firmware_id, expected in [
        (raw.id, (409, "firmware_not_approved")),
        (foreign.id, (404, "firmware_not_found")),
        (999, (404, "firmware_not_found")),
    ]:
        answer = await person.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_id": firmware_id})
        assert code(answer) == expected


async def test_a_device_that_is_not_in_the_copy_or_anothers_is_not_found(add_devices, add_firmware, person):
    await add_devices("theirs", organization_id=2)
    firmware = await add_firmware()
    for uid in ["nobody", "theirs"]:
        answer = await person.post("/api/v2/updates", json={"device_uid": uid, "firmware_id": firmware.id})
        assert code(answer) == (404, "device_not_found")


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({"lifecycle": "retired"}, "retired"),
        ({"updates_enabled": False}, "updates_disabled"),
        ({"hardware_version": "r9"}, "hardware_mismatch"),
    ],
)
async def test_a_device_that_may_not_be_updated_is_refused_with_the_reason(
    add_devices, add_firmware, person, sql, differs, reason
):
    await add_devices("pump-1", **differs)
    firmware = await add_firmware(hardware_versions=["r1"])
    answer = await person.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_id": firmware.id})
    assert code(answer) == (409, "device_not_updatable")
    assert answer.json()["reason"] == reason
    assert await sql.fetchval("select count(*) from update_sessions") == 0
    assert await sql.fetchval("select count(*) from outbox") == 0


@pytest.mark.parametrize(
    "body",
    [
        {"device_uid": "pump-1"},
        {"device_uid": "pump.1", "firmware_id": 1},
        {"device_uid": "pump-1", "firmware_id": 0},
        {"device_uid": "pump-1", "firmware_id": 2**63},
        {"device_uid": "pump-1", "firmware_id": 1, "firmware_ids": [1, 2]},
        {"device_uid": "pump-1", "firmware_ids": []},
        {"device_uid": "pump-1", "firmware_ids": [0]},
        {"device_uid": "pump-1", "firmware_ids": list(range(1, 18))},
        {"device_uid": "pump-1", "firmware_id": 1, "haste": True},
        {"device_uid": "pump-1", "firmware_id": 1, "deadline_s": 0},
        {"device_uid": "pump-1", "firmware_id": 1, "deadline_s": 10**12},
    ],
)
async def test_a_body_of_the_wrong_shape_is_refused(person, body):
    assert code(await person.post("/api/v2/updates", json=body)) == (422, "validation_failed")


async def test_the_same_key_opens_one_session(add_devices, add_firmware, person, sql):
    await add_devices("pump-1")
    firmware = await add_firmware()
    body, headers = {"device_uid": "pump-1", "firmware_id": firmware.id}, {"Idempotency-Key": "k"}
    first = await person.post("/api/v2/updates", json=body, headers=headers)
    again = await person.post("/api/v2/updates", json=body, headers=headers)
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (202, first.json())
    assert await sql.fetchval("select count(*) from update_sessions") == 1


async def test_sessions_are_listed_newest_first_by_page_device_and_state(add_devices, add_firmware, person, device):
    uids = [f"pump-{number}" for number in range(5)]
    await add_devices(*uids)
    firmware = await add_firmware()
    for uid in uids:
        await person.post("/api/v2/updates", json={"device_uid": uid, "firmware_id": firmware.id})
    found, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await person.get("/api/v2/updates", params=query)).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [item["device_uid"] for item in found] == uids[::-1]
    await device("pump-3").say(found[1]["session_id"], "ack")

    async def listed(**query):
        return [item["device_uid"] for item in (await person.get("/api/v2/updates", params=query)).json()["items"]]

    assert await listed(state="acknowledged") == ["pump-3"]
    assert await listed(device_uid="pump-2") == ["pump-2"]
    assert await listed(device_uid="pump-2", state="failed") == []
    assert (await person.get("/api/v2/updates", params={"cursor": "x"})).status_code == 400
    assert (await person.get("/api/v2/updates", params={"state": "x"})).status_code == 422


async def test_another_organizations_session_answers_as_one_that_does_not_exist(update, connect, credentials):
    stranger = connect(credentials.person("updates:read", "updates:write", organization_id=2))
    for session_id in [update.id, str(uuid4())]:
        assert code(await stranger.get(f"/api/v2/updates/{session_id}")) == (404, "update_session_not_found")
        assert code(await stranger.post(f"/api/v2/updates/{session_id}/cancel")) == (404, "update_session_not_found")
    assert (await stranger.get("/api/v2/updates")).json()["items"] == []


async def test_scopes_are_asked_for(update, connect, credentials):
    reader = connect(credentials.person("updates:read"))
    assert (await reader.get(f"/api/v2/updates/{update.id}")).status_code == 200
    assert (await reader.post(f"/api/v2/updates/{update.id}/cancel")).status_code == 403
    assert (await connect(credentials.person("updates:write")).get("/api/v2/updates")).status_code == 403
    assert (await connect("").get("/api/v2/updates")).status_code == 401
    assert (await update.device.http.get("/api/v2/updates")).status_code == 403


async def test_the_image_is_served_whole_in_parts_and_by_its_hash(update):
    path = (await update.device.waiting()).json()["items"][0]["download"]
    etag = f'"{update.firmware.sha256}"'
    whole = await update.device.http.get(path)
    assert (whole.status_code, whole.content, whole.headers["etag"]) == (200, IMAGE, etag)
    head = await update.device.http.head(path)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(IMAGE)), b"")
    part = await update.device.http.get(path, headers={"Range": "bytes=1000-", "If-Range": etag})
    assert (part.status_code, part.content) == (206, IMAGE[1000:])
    assert part.headers["content-range"] == f"bytes 1000-{len(IMAGE) - 1}/{len(IMAGE)}"
    other = await update.device.http.get(path, headers={"Range": "bytes=1000-", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, IMAGE)
    assert (await update.device.http.get(path, headers={"If-None-Match": etag})).status_code == 304
    beyond = await update.device.http.get(path, headers={"Range": f"bytes={len(IMAGE)}-"})
    assert code(beyond) == (416, "range_not_satisfiable")


async def test_the_image_of_an_ended_session_is_not_served(update, person):
    path = (await update.device.waiting()).json()["items"][0]["download"]
    await person.post(f"/api/v2/updates/{update.id}/cancel")
    assert code(await update.device.http.get(path)) == (409, "update_session_ended")


async def test_a_device_sees_nothing_of_anothers_session(update, device):
    other = device("pump-2")
    for verb in [*PATH, "fail"]:
        assert code(await other.say(update.id, verb)) == (404, "update_session_not_found")
    answer = await other.http.get(f"/api/v2/device/pump-2/updates/{update.id}/file")
    assert code(answer) == (404, "update_session_not_found")
    assert (await other.http.get("/api/v2/device/pump-1/updates")).status_code == 403
    assert (await update.device.waiting()).json()["items"][0]["state"] == "initiated"


@pytest.mark.parametrize(
    ("differs", "expected"),
    [
        ({"min_token_generation": 2}, (401, "unauthenticated")),
        ({"lifecycle": "retired"}, (409, "device_retired")),
    ],
)
async def test_a_revoked_token_and_a_retired_device_are_refused_everywhere(update, add_devices, differs, expected):
    await add_devices("pump-1", version=2, **differs)
    assert code(await update.device.waiting()) == expected
    assert code(await update.device.http.get("/api/v2/device/pump-1/updates/next")) == expected
    assert code(await update.device.say(update.id, "ack")) == expected
    assert code(await update.device.http.get(f"/api/v2/device/pump-1/updates/{update.id}/file")) == expected


async def test_a_device_of_another_organization_or_unknown_to_the_copy_is_not_found(update, device):
    assert code(await device("pump-1", organization_id=2).waiting()) == (404, "device_not_found")
    assert code(await device("nobody").waiting()) == (404, "device_not_found")


async def test_what_the_database_cannot_hold_is_left_out_of_a_failures_text(update):
    path = f"/api/v2/device/pump-1/updates/{update.id}/fail"
    body = b'{"error":"disk \\ud800\\u0000full"}'
    answer = await update.device.http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (200, "disk full")


async def test_strange_reports_are_refused_and_change_nothing(update):
    path = f"/api/v2/device/pump-1/updates/{update.id}/ack"
    post = update.device.http.post
    assert (await post(path, json={"progress": 101})).status_code == 422
    assert (await post(path, json={"progress": "x"})).status_code == 422
    assert (await post(path, json={"progress": True})).status_code == 422
    assert (await post(path, content=b"{", headers={"Content-Type": "application/json"})).status_code == 400
    assert (await post("/api/v2/device/pump-1/updates/x/ack")).status_code == 422
    assert (await post(path, json={"unknown": 1})).status_code == 200
