"""Telling a fleet again: each device once, whoever dies on the way, and never in front of the news."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from device_management.resync.jobs import ResyncSteps
from device_management.resync.service import BACKLOG, ResyncService

DEVICES = 1_203


@pytest.fixture
async def fleet(clones, organizations) -> None:
    """Devices of the own organization, and every third one the other's."""
    await clones("pump-", DEVICES, first=3, step=3, organization_id=organizations.other)
    for first in (1, 2):
        await clones("pump-", DEVICES, first=first, step=3, organization_id=organizations.own)


@pytest.fixture
def steps(app) -> ResyncSteps:
    return ResyncSteps(app.state.scopes)


@pytest.fixture
async def ruler(admin, credentials, organizations):
    """A client that may have its organization's devices told, and everybody's."""
    scopes = ("devices:read", "devices:write", "organization:admin", "platform:admin")
    admin.headers["Authorization"] = f"Bearer {credentials.person(*scopes, organization_id=organizations.own)}"
    return admin


@pytest.fixture
def told(sql):
    """How often each device was told, and with which version."""

    async def read() -> Counter[tuple[str, int]]:
        rows = await sql.fetch("select payload from outbox where type = 'device.snapshot.v1'")
        states = [json.loads(row["payload"])["data"] for row in rows]
        return Counter((state["device_uid"], state["version"]) for state in states)

    return read


@pytest.fixture
def relayed(sql):
    """Plays the relay: everything is sent."""

    async def mark() -> None:
        await sql.execute("update outbox set sent_at = now()")

    return mark


async def finished(client, path, steps, relayed) -> dict:
    while (answer := (await client.get(path)).json())["state"] == "running":
        await steps()
        await relayed()
    return answer


async def test_every_device_of_the_organization_is_told_once(ruler, fleet, steps, told, relayed):
    begun = await ruler.post("/api/v2/devices/resync")
    assert begun.status_code == 202
    assert begun.json() | {"id": 1, "requested_at": None} == {
        "id": 1,
        "state": "running",
        "all": False,
        "total": 802,
        "done": 0,
        "requested_at": None,
        "completed_at": None,
    }
    ended = await finished(ruler, "/api/v2/devices/resync/1", steps, relayed)
    assert (ended["done"], ended["total"]) == (802, 802)
    assert ended["completed_at"] is not None
    assert await told() == Counter((f"pump-{n}", n) for n in range(1, DEVICES + 1) if n % 3)


async def test_groups_are_told_again_at_once(ruler, sql):
    await ruler.post("/api/v2/groups", json={"name": "north"})
    await ruler.post("/api/v2/devices/resync")
    rows = await sql.fetch("select payload from outbox where type = 'group.snapshot.v1'")
    assert [json.loads(row["payload"])["data"]["name"] for row in rows] == ["north"]


async def snapshots(sql, kind):
    rows = await sql.fetch("select payload from outbox where type = $1 order by id", f"{kind}.snapshot.v1")
    return [json.loads(row["payload"])["data"] for row in rows]


async def test_the_organization_is_told_again_and_nothing_of_others(ruler, sql, organizations):
    await ruler.post("/api/v2/devices/resync")
    assert [state["slug"] for state in await snapshots(sql, "organization")] == ["own"]
    assert await snapshots(sql, "access") == []


async def test_the_platform_tells_all_organizations_and_what_is_refused_or_was(ruler, sql, organizations):
    later = datetime.now(UTC) + timedelta(hours=1)
    await sql.executemany(
        "insert into revocations (kind, subject_id, version, refused, until) values ($1, $2, $3, $4, $5)",
        [
            ("organization", str(organizations.other), 7, True, None),
            ("organization", str(organizations.own), 3, False, None),
            ("token", "a-key", 1, True, later),
            ("token", "past", 1, True, datetime.now(UTC) - timedelta(minutes=1)),
        ],
    )
    await ruler.post("/api/v2/devices/resync", json={"all": True})
    assert [state["slug"] for state in await snapshots(sql, "organization")] == ["own", "other"]
    told = {(s["kind"], s["subject_id"]): (s["version"], s["refused"]) for s in await snapshots(sql, "access")}
    assert told == {
        ("organization", str(organizations.own)): (3, False),
        ("organization", str(organizations.other)): (7, True),
        ("token", "a-key"): (1, True),
    }


async def test_the_platform_is_told_whole(ruler, fleet, steps, told, relayed):
    await ruler.post("/api/v2/devices/resync", json={"all": True})
    await finished(ruler, "/api/v2/devices/resync/1", steps, relayed)
    assert await told() == Counter((f"pump-{n}", n) for n in range(1, DEVICES + 1))


async def test_an_empty_fleet_is_told_at_once(ruler, steps, relayed):
    await ruler.post("/api/v2/devices/resync")
    assert (await finished(ruler, "/api/v2/devices/resync/1", steps, relayed))["total"] == 0


async def test_a_step_that_dies_is_done_again_and_nothing_else(ruler, fleet, app, steps, told, relayed):
    await ruler.post("/api/v2/devices/resync", json={"all": True})
    for _ in range(3):
        with suppress(RuntimeError):
            async with app.state.scopes() as scope:
                await scope.get(ResyncService).step()
                raise RuntimeError
        async with app.state.scopes() as scope:
            await scope.get(ResyncService).step()
    assert (await ruler.get("/api/v2/devices/resync/1")).json()["state"] == "completed"
    assert await told() == Counter((f"pump-{n}", n) for n in range(1, DEVICES + 1))


async def test_one_that_cannot_be_carried_on_holds_up_no_other(ruler, fleet, sql, steps, relayed, monkeypatch):
    for _ in range(2):
        await ruler.post("/api/v2/devices/resync")
    carry_on = ResyncService._carry_on

    async def fails_for_one(service, resync):
        if resync.id == 1:
            raise KeyError("a defect")
        await carry_on(service, resync)

    monkeypatch.setattr(ResyncService, "_carry_on", fails_for_one)
    await finished(ruler, "/api/v2/devices/resync/2", steps, relayed)
    assert (await ruler.get("/api/v2/devices/resync/1")).json()["state"] == "running"
    monkeypatch.undo()
    await sql.execute("update resyncs set stepped_at = now()")
    await finished(ruler, "/api/v2/devices/resync/1", steps, relayed)


async def test_workers_side_by_side_tell_each_device_once_for_each_resync(ruler, fleet, app, steps, told, relayed):
    for _ in range(3):
        await ruler.post("/api/v2/devices/resync", json={"all": True})
    for resync in (1, 2, 3):
        while (await ruler.get(f"/api/v2/devices/resync/{resync}")).json()["state"] == "running":
            await asyncio.gather(*(ResyncSteps(app.state.scopes)() for _ in range(3)))
            await relayed()
    assert await told() == Counter({(f"pump-{n}", n): 3 for n in range(1, DEVICES + 1)})


async def test_a_device_registered_meanwhile_is_told_by_its_own_event_alone(ruler, fleet, app, steps, told, relayed):
    await ruler.post("/api/v2/devices/resync", json={"all": True})
    async with app.state.scopes() as scope:
        await scope.get(ResyncService).step()
    assert (await ruler.post("/api/v2/devices", json={"device_uid": "late"})).status_code == 201
    await finished(ruler, "/api/v2/devices/resync/1", steps, relayed)
    assert ("late", 1) not in await told()


async def test_it_waits_while_the_outbox_is_long(ruler, fleet, sql, steps, told, relayed):
    await sql.execute(
        """
        insert into outbox (event_id, type, subject, payload)
        select gen_random_uuid(), 'x', 'device/' || n, '{}' from generate_series(1, $1::int) as n
        """,
        BACKLOG + 1,
    )
    await ruler.post("/api/v2/devices/resync")
    await steps()
    assert not await told()
    await relayed()
    await steps()
    assert await told()


async def test_who_may_not_is_refused(anyone, credentials, organizations, fleet):
    async def ask(*scopes: str, body: dict) -> int:
        anyone.headers["Authorization"] = f"Bearer {credentials.person(*scopes, organization_id=organizations.own)}"
        return (await anyone.post("/api/v2/devices/resync", json=body)).status_code

    assert await ask("devices:read", "devices:write", body={}) == 403
    assert await ask("organization:admin", body={"all": True}) == 403
    assert await ask("organization:admin", body={"everyone": True}) == 422
    assert await ask("platform:admin", body={"all": 0}) == 422
    assert await ask("platform:admin", body={"all": True}) == 202


async def test_anothers_resync_does_not_exist(ruler, fleet, stranger):
    await ruler.post("/api/v2/devices/resync")
    assert (await stranger.get("/api/v2/devices/resync/1")).status_code == 404
    assert (await ruler.get("/api/v2/devices/resync/2")).status_code == 404
    assert (await ruler.get(f"/api/v2/devices/resync/{2**63}")).status_code == 422


async def test_what_belongs_to_devices_and_organizations_is_told_with_them(ruler, sql, steps, relayed):
    assert (await ruler.post("/api/v2/devices", json={"device_uid": "pump-1"})).status_code == 201
    action = (await ruler.post("/api/v2/actions", json={"device_uid": "pump-1", "type": "system_reboot"})).json()
    await ruler.put("/api/v2/devices/pump-1/configuration", json={"desired": {"mode": "fast"}})
    job = {"device_uids": ["pump-1"], "config_params": {"mode": "slow"}}
    assert (await ruler.post("/api/config/start", json=job)).status_code == 202
    await relayed()
    begun = (await ruler.post("/api/v2/devices/resync")).json()
    await finished(ruler, f"/api/v2/devices/resync/{begun['id']}", steps, relayed)
    rows = await sql.fetch("select type, payload from outbox where type like '%.snapshot.v1'")
    told = {}
    for row in rows:
        told.setdefault(row["type"], []).append(json.loads(row["payload"])["data"])
    assert action["action_id"] in {state["action_id"] for state in told["action.snapshot.v1"]}
    assert [(one["device_uid"], one["drift"]) for one in told["configuration.snapshot.v1"]] == [("pump-1", None)]
    assert [one["state"] for one in told["configuration_job.snapshot.v1"]] == ["running"]
