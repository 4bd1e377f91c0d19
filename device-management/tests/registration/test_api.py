"""Registering one device, and what is refused."""

import asyncio
import json

import pytest


async def register(client, **body):
    return await client.post("/api/v2/devices", json=body)


async def test_a_missing_uid_is_made(admin):
    first, second = (await register(admin)).json(), (await register(admin)).json()
    assert first["device_uid"].startswith("dev-")
    assert first["device_uid"] != second["device_uid"]


async def test_registering_puts_the_event_with_the_whole_state_into_the_outbox(admin, sql):
    device = (await register(admin, device_uid="pump-1", tags=["a"], hardware_version="v1.0")).json()
    rows = await sql.fetch("select * from outbox")
    assert len(rows) == 1
    envelope = json.loads(rows[0]["payload"])
    assert envelope["type"] == "device.registered.v1"
    assert envelope["subject"] == "device/pump-1"
    assert envelope["data"]["device_id"] == device["id"]
    assert (envelope["data"]["tags"], envelope["data"]["version"]) == (["a"], 1)


async def test_a_taken_uid_answers_409_whoever_has_it_and_leaves_no_event(admin, stranger, sql):
    await register(admin, device_uid="pump-1")
    for client in (admin, stranger):
        answer = await register(client, device_uid="pump-1")
        assert (answer.status_code, answer.json()["code"]) == (409, "device_uid_taken")
    assert await sql.fetchval("select count(*) from outbox") == 1


@pytest.mark.parametrize("uid", ["a.b", "a/b", "#", "+", "12345", "batch", "MUSTER-admin", "é", "a b"])
async def test_a_uid_that_could_not_be_a_topic_a_login_and_a_path_is_refused(admin, uid):
    answer = await register(admin, device_uid=uid)
    assert (answer.status_code, answer.json()["code"]) == (422, "unacceptable_uid")


async def test_registering_for_another_organization_answers_as_if_there_were_none(admin, organizations):
    answer = await register(admin, organization_id=organizations.other)
    assert (answer.status_code, answer.json()["code"]) == (404, "organization_not_found")
    assert (await register(admin, organization_id=organizations.own)).status_code == 201


async def test_a_token_without_the_scope_is_refused_and_told_which(anyone, credentials, organizations):
    token = credentials.person("devices:read", organization_id=organizations.own)
    answer = await anyone.post("/api/v2/devices", json={}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert "devices:write" in answer.json()["detail"]


class TestBadBodies:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"{", 400),
            (b"", 422),
            (b"[]", 422),
            (b'{"name": "a\\u0000b"}', 422),
            (b'{"attributes": {"a": "\\u0000"}}', 422),
            (b'{"attributes": {"a\\u0000": 1}}', 422),
            (b'{"attributes": {"a": "\\ud800"}}', 422),
            (b'{"attributes": {"a": NaN}}', 422),
            (b'{"attributes": {"a": 1e999}}', 422),
            (b'{"unknown": 1}', 422),
            (b'{"organization_id": true}', 422),
            (b'{"name": 5}', 422),
            (b'{"tags": ["' + b"x" * 65 + b'"]}', 422),
            (b'{"attributes": {"a": "' + b"x" * 20_000 + b'"}}', 422),
            (b'{"attributes": ' + b'{"a":' * 20 + b"1" + b"}" * 20 + b"}", 422),
            (b'{"attributes": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", 400),
            (b"\xff\xfe{}", 400),
            (b'{"name": "' + b"x" * 2_000_000 + b'"}', 413),
        ],
        ids=range(18),
    )
    async def test_a_bad_body_gets_a_clear_error_and_has_no_effect(self, admin, sql, body, status):
        answer = await admin.post("/api/v2/devices", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Traceback" not in answer.text
        assert await sql.fetchval("select count(*) from devices") == 0

    async def test_a_body_without_a_length_is_cut_off_at_the_limit(self, admin):
        async def endless():
            for _ in range(40):
                yield b" " * 65_536

        answer = await admin.post("/api/v2/devices", content=endless(), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


class TestIdempotencyKey:
    async def test_the_same_request_again_gets_the_first_answer_and_no_second_device(self, admin, sql):
        headers = {"Idempotency-Key": "key-1"}
        first = await admin.post("/api/v2/devices", json={"name": "Pump"}, headers=headers)
        again = await admin.post("/api/v2/devices", json={"name": "Pump"}, headers=headers)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
        assert await sql.fetchval("select count(*) from devices") == 1

    async def test_another_body_under_the_same_key_is_refused(self, admin):
        headers = {"Idempotency-Key": "key-1"}
        await admin.post("/api/v2/devices", json={"name": "Pump"}, headers=headers)
        other = await admin.post("/api/v2/devices", json={"name": "Valve"}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")

    async def test_twenty_at_once_make_one_device(self, admin, sql):
        headers = {"Idempotency-Key": "key-1"}
        answers = await asyncio.gather(
            *(admin.post("/api/v2/devices", json={"name": "Pump"}, headers=headers) for _ in range(20))
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert await sql.fetchval("select count(*) from devices") == 1

    async def test_a_refused_request_does_not_use_up_its_key(self, admin):
        await register(admin, device_uid="pump-1")
        headers = {"Idempotency-Key": "key-1"}
        refused = await admin.post("/api/v2/devices", json={"device_uid": "pump-1"}, headers=headers)
        assert refused.status_code == 409
        assert refused.json()["code"] == "device_uid_taken"

    async def test_keys_of_two_callers_do_not_meet(self, admin, stranger, sql):
        for client in (admin, stranger):
            answer = await client.post("/api/v2/devices", json={}, headers={"Idempotency-Key": "key-1"})
            assert answer.status_code == 201
        assert await sql.fetchval("select count(*) from devices") == 2
