"""Rotation: a new generation beside the one before, until its overlap ends."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from device_management.broker_access.service import BrokerAccessService
from device_management.device_tokens.jobs import TokenRotations

PATH = "/api/v2/devices/pump-1/token"


@pytest.fixture
async def first(admin):
    await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    return (await admin.post(PATH)).json()["token"]


@pytest.fixture
def good(app):
    """Which of these tokens the broker lets in."""

    async def good(*tokens):
        async with app.state.scopes() as scope:
            access = scope.get(BrokerAccessService)
            return [await access.log_in("pump-1", token, None) is not None for token in tokens]

    return good


@pytest.fixture
def after(app, sql):
    """What the worker's timer does once so many seconds have passed."""

    async def after(seconds):
        await sql.execute("update token_rotations set due_at = due_at - make_interval(secs => $1)", float(seconds))
        await TokenRotations(app.state.scopes)()

    return after


async def rotate(client, **body):
    answer = await client.post(f"{PATH}/rotate", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def events(sql):
    return [json.loads(row["payload"]) for row in await sql.fetch("select payload from outbox order by id")]


async def test_both_are_good_until_the_overlap_ends_and_then_the_new_one_alone(admin, sql, first, good, after):
    before = datetime.now(UTC)
    second = await rotate(admin, overlap_s=600)
    until, after_it = datetime.fromisoformat(second["previous_until"]), datetime.now(UTC)
    assert before - timedelta(seconds=1) < until - timedelta(seconds=600) < after_it + timedelta(seconds=1)
    await after(0)
    assert await good(first, second["token"]) == [True, True]
    assert len(await events(sql)) == 1
    await after(601)
    assert await good(first, second["token"]) == [False, True]
    last = (await events(sql))[-1]
    assert (last["type"], last["data"]["min_token_generation"]) == ("device.token_revoked.v1", 2)
    [newest, *_] = (await admin.get("/api/v2/devices/pump-1/audit")).json()["items"]
    assert (newest["action"], newest["actor"]["kind"]) == ("tokens_revoked", "system")
    await after(0)
    assert len(await events(sql)) == 2


async def test_a_token_asked_for_in_between_is_of_the_new_generation(admin, first, good, after):
    await rotate(admin, overlap_s=60)
    later = (await admin.post(PATH)).json()["token"]
    await after(61)
    assert await good(first, later) == [False, True]


async def test_when_a_token_expires_beside_a_newer_one_the_connections_made_with_it_end(admin, sql, first, good, after):
    second = (await admin.post(PATH)).json()["token"]
    assert await good(first, second) == [True, True]
    ends = await sql.fetchrow("select due_at, token_expires_at from token_rotations, devices")
    assert timedelta() < ends["token_expires_at"] - ends["due_at"] < timedelta(minutes=1)
    await after(400 * 86_400)
    last = (await events(sql))[-1]
    assert (last["type"], last["data"]["min_token_generation"]) == ("device.token_revoked.v1", 2)
    assert await good(second) == [True]


async def test_a_token_beside_none_that_is_good_begins_nothing(admin, sql, first):
    await sql.execute("update devices set token_expires_at = now() - interval '1 second'")
    await admin.post(PATH)
    assert await sql.fetchval("select count(*) from token_rotations") == 0


async def test_a_second_rotation_neither_lengthens_nor_shortens_the_first(admin, first, good, after):
    second = (await rotate(admin, overlap_s=60))["token"]
    third = (await rotate(admin, overlap_s=600))["token"]
    await after(61)
    assert await good(first, second, third) == [False, True, True]
    await after(600)
    assert await good(first, second, third) == [False, False, True]


@pytest.mark.parametrize("call", [("DELETE", PATH), ("DELETE", "/api/v2/devices/pump-1")])
async def test_revoking_and_retiring_refuse_the_new_one_too(admin, sql, first, good, after, call):
    second = (await rotate(admin))["token"]
    assert (await admin.request(*call)).status_code == 204
    assert await good(first, second) == [False, False]
    before = len(await events(sql))
    await after(90_000)
    assert len(await events(sql)) == before


async def test_no_token_from_before_a_purge_is_good_for_the_device_registered_anew(
    admin, credentials, organizations, first, good
):
    second = (await rotate(admin))["token"]
    token = credentials.person("devices:write", "platform:admin", organization_id=organizations.own)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await admin.delete("/api/v2/devices/pump-1?purge=true", headers=headers)).status_code == 204
    await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    third = (await admin.post(PATH)).json()["token"]
    assert await good(first, second, third) == [False, False, True]


async def test_another_organizations_device_is_not_found(stranger, first):
    assert (await stranger.post(f"{PATH}/rotate")).status_code == 404


@pytest.mark.parametrize("overlap", [-1, 31 * 86_400, "x", None])
async def test_an_overlap_that_makes_no_sense_is_refused(admin, first, overlap):
    assert (await admin.post(f"{PATH}/rotate", json={"overlap_s": overlap})).status_code == 422
