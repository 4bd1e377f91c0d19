"""Who is in which fixed group is part of each device's state."""

import asyncio
import json

import pytest


@pytest.fixture
def told(sql):
    """The states of a device that events tell, as (version, group_ids)."""

    async def told(uid):
        rows = await sql.fetch("select payload from outbox where subject = $1 order by id", f"device/{uid}")
        states = [json.loads(row["payload"])["data"] for row in rows]
        return [(state["version"], state["group_ids"]) for state in states]

    return told


@pytest.fixture
async def group(admin):
    async def make(name):
        return (await admin.post("/api/v2/groups", json={"name": name})).json()["id"]

    for uid in ("pump-1", "pump-2"):
        assert (await admin.post("/api/v2/devices", json={"device_uid": uid})).status_code == 201
    return make


async def test_whoever_comes_or_leaves_has_a_new_version_and_nobody_else(admin, group, told):
    north = await group("north")
    members = f"/api/v2/groups/{north}/members"
    await admin.post(members, json={"devices": ["pump-1"]})
    assert await told("pump-1") == [(1, []), (2, [north])]
    await admin.post(members, json={"devices": ["pump-1", "pump-2"]})
    assert (len(await told("pump-1")), (await told("pump-2"))[-1]) == (2, (2, [north]))
    await admin.post(f"{members}/remove", json={"devices": ["pump-1"]})
    assert (await told("pump-1"))[-1] == (3, [])
    assert (await admin.get("/api/v2/devices/pump-1")).json()["version"] == 3


async def test_a_refused_call_tells_nothing(admin, group, told):
    north = await group("north")
    answer = await admin.post(f"/api/v2/groups/{north}/members", json={"devices": ["pump-1", "nobody"]})
    assert (answer.status_code, await told("pump-1")) == (422, [(1, [])])


async def test_groups_that_take_a_device_in_at_once_are_all_named(admin, group, told, sql):
    groups = [await group(f"group {number}") for number in range(8)]
    body = {"devices": ["pump-1", "pump-2"]}
    answers = await asyncio.gather(*(admin.post(f"/api/v2/groups/{one}/members", json=body) for one in groups))
    assert {answer.status_code for answer in answers} == {200}
    version, named = (await told("pump-1"))[-1]
    assert (version, sorted(named)) == (9, groups)


async def test_a_deleted_group_is_told_once_and_its_devices_forget_it(admin, group, told, sql):
    north = await group("north")
    await admin.post(f"/api/v2/groups/{north}/members", json={"devices": ["pump-1"]})
    assert (await admin.delete(f"/api/v2/groups/{north}")).status_code == 204
    assert (await told("pump-1"))[-1] == (2, [north])
    await admin.patch("/api/v2/devices/pump-1", json={"name": "first"})
    assert (await told("pump-1"))[-1] == (3, [])


async def test_a_purged_device_is_in_no_group(admin, group, told, credentials, organizations):
    north = await group("north")
    token = credentials.person("devices:write", "platform:admin", organization_id=organizations.own)
    await admin.post(f"/api/v2/groups/{north}/members", json={"devices": ["pump-1"]})
    headers = {"Authorization": f"Bearer {token}"}
    assert (await admin.delete("/api/v2/devices/pump-1?purge=true", headers=headers)).status_code == 204
    assert (await told("pump-1"))[-1] == (3, [])
