import asyncio
import json

import pytest

from device_management.audit.schemas import SYSTEM
from device_management.organizations.errors import DeviceLimitReached
from device_management.organizations.service import OrganizationService
from device_management.registration.schemas import DeviceCreate
from device_management.registration.service import RegistrationService
from shared.testing import eventually

ALL = ("organization:admin", "platform:admin")


@pytest.fixture
def bearer(credentials, organizations):
    def bearer(*scopes, organization_id=None):
        token = credentials.person(*scopes, organization_id=organization_id or organizations.own)
        return {"Authorization": f"Bearer {token}"}

    return bearer


@pytest.fixture
def platform(anyone, bearer):
    anyone.headers.update(bearer(*ALL))
    return anyone


async def events(sql):
    return [json.loads(row["payload"]) for row in await sql.fetch("select payload from outbox order by id")]


async def test_a_created_organization_is_read_listed_told_and_audited(platform, sql):
    answer = await platform.post("/api/v2/organizations", json={"slug": "acme", "name": "Acme", "device_limit": 5})
    assert answer.status_code == 201
    created = answer.json()
    assert (created["state"], created["device_limit"], created["version"]) == ("active", 5, 1)
    read = await platform.get(f"/api/v2/organizations/{created['id']}")
    assert (read.json()["devices"], read.headers["etag"]) == (0, '"1"')
    listed = (await platform.get("/api/v2/organizations")).json()["items"]
    assert [item["slug"] for item in listed] == ["own", "other", "acme"]
    (event,) = await events(sql)
    assert (event["type"], event["data"]["slug"]) == ("organization.created.v1", "acme")
    assert await sql.fetchval("select action from audit_entries") == "created"


async def test_a_taken_slug_answers_409(platform):
    answer = await platform.post("/api/v2/organizations", json={"slug": "own", "name": "Again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "organization_slug_taken")


@pytest.mark.parametrize(
    "body",
    [
        {"slug": "A", "name": "x"},
        {"slug": "a_b", "name": "x"},
        {"slug": "ok", "name": ""},
        {"slug": "ok", "name": "a\0"},
        {"slug": "ok", "name": "x", "device_limit": -1},
        {"slug": "ok", "name": "x", "device_limit": 2**31},
        {"slug": "ok", "name": "x", "settings": {"a": "\0"}},
        {"slug": "ok", "name": "x", "settings": {"a": "x" * 20_000}},
        {"slug": "ok", "name": "x", "colour": "red"},
        {"name": "x"},
    ],
)
async def test_a_body_of_the_wrong_shape_changes_nothing(platform, sql, body):
    assert (await platform.post("/api/v2/organizations", json=body)).status_code == 422
    assert await sql.fetchval("select count(*) from organizations") == 2


async def test_its_administrators_edit_name_and_settings_but_not_the_limit(anyone, bearer, organizations):
    url, headers = f"/api/v2/organizations/{organizations.own}", bearer("organization:admin")
    edited = await anyone.patch(url, json={"name": "New", "settings": {"a": 1}}, headers=headers)
    assert (edited.status_code, edited.json()["name"], edited.headers["etag"]) == (200, "New", '"2"')
    for platforms in ({"device_limit": 1_000_000}, {"telemetry_retention": "long"}):
        refused = await anyone.patch(url, json=platforms, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    stale = await anyone.patch(url, json={"name": "Newer"}, headers={**headers, "If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await anyone.get(url, headers=headers)).json()["name"] == "New"


async def test_the_platform_says_how_long_telemetry_is_kept(platform, sql, organizations):
    url = f"/api/v2/organizations/{organizations.own}"
    assert (await platform.get(url)).json()["telemetry_retention"] == "standard"
    assert (await platform.patch(url, json={"telemetry_retention": "for ever"})).status_code == 422
    changed = await platform.patch(url, json={"telemetry_retention": "long"})
    assert (changed.json()["telemetry_retention"], changed.json()["version"]) == ("long", 2)
    (event,) = await events(sql)
    assert event["data"]["telemetry_retention"] == "long"


async def test_an_edit_of_nothing_is_no_change(platform, sql, organizations):
    url = f"/api/v2/organizations/{organizations.own}"
    assert (await platform.patch(url, json={"name": "own"})).json()["version"] == 1
    assert await events(sql) == []


async def test_another_organization_answers_as_one_that_does_not_exist(anyone, bearer, organizations):
    headers = bearer("organization:admin")
    for method in ("GET", "PATCH"):
        theirs = await anyone.request(
            method, f"/api/v2/organizations/{organizations.other}", headers=headers, json={"name": "x"}
        )
        nobodys = await anyone.request(method, "/api/v2/organizations/99999", headers=headers, json={"name": "x"})
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json()


async def test_nobody_suspends_the_own_organization(platform, organizations):
    answer = await platform.post(f"/api/v2/organizations/{organizations.own}/suspend")
    assert (answer.status_code, answer.json()["code"]) == (409, "own_organization")


async def test_a_suspended_organizations_people_and_devices_are_refused_until_it_is_reactivated(
    platform, anyone, bearer, credentials, organizations, sql
):
    url = f"/api/v2/organizations/{organizations.other}"
    headers = bearer("devices:read", "devices:write", organization_id=organizations.other)
    await anyone.post("/api/v2/devices", json={"device_uid": "pump-1"}, headers=headers)
    login = {"username": "pump-1", "password": credentials.device("pump-1", organization_id=organizations.other)}

    async def person():
        return (await anyone.get("/api/v2/devices", headers=headers)).status_code

    async def device():
        return (await anyone.post("/broker/user", data=login)).text

    assert (await person(), await device()) == (200, "allow device")
    assert (await platform.post(f"{url}/suspend")).json()["state"] == "suspended"
    assert await device() == "deny"
    await eventually(lambda: _is(person, 401))
    assert (await platform.post(f"{url}/suspend")).json()["version"] == 2
    assert (await platform.post(f"{url}/reactivate")).json()["state"] == "active"
    await eventually(lambda: _is(person, 200))
    assert await device() == "allow device"
    told = [(event["type"], event["data"]["version"]) for event in await events(sql)][1:]
    assert told == [
        ("organization.suspended.v1", 2),
        ("access.revoked.v1", 2),
        ("organization.reactivated.v1", 3),
        ("access.restored.v1", 3),
    ]


async def _is(ask, status):
    return await ask() == status


class TestDeviceLimit:
    async def register(self, app, organization_id, uid):
        """One registration in its own transaction; whether there was room."""
        try:
            async with app.state.scopes() as scope:
                await scope.get(RegistrationService).register(organization_id, DeviceCreate(device_uid=uid), by=SYSTEM)
        except DeviceLimitReached:
            return False
        return True

    async def test_fifty_at_once_never_exceed_the_limit(self, app, platform, organizations, sql):
        await sql.execute("update organizations set device_limit = 7 where id = $1", organizations.own)
        outcomes = await asyncio.gather(*(self.register(app, organizations.own, f"d-{n}") for n in range(50)))
        assert sum(outcomes) == 7
        assert await sql.fetchval("select count(*) from devices") == 7
        read = (await platform.get(f"/api/v2/organizations/{organizations.own}")).json()
        assert (read["devices"], read["device_limit"]) == (7, 7)

    async def test_retired_devices_leave_room(self, app, organizations, sql):
        await sql.execute("update organizations set device_limit = 1 where id = $1", organizations.own)
        assert await self.register(app, organizations.own, "d-1")
        assert not await self.register(app, organizations.own, "d-2")
        await sql.execute("update devices set lifecycle = 'retired'")
        assert await self.register(app, organizations.own, "d-2")

    async def test_without_a_limit_registrations_do_not_wait_for_each_other(self, app, organizations):
        async with app.state.scopes() as first, app.state.scopes() as second, asyncio.timeout(100):
            assert await first.get(OrganizationService).room_for(organizations.own, 10_000) == 10_000
            assert await second.get(OrganizationService).room_for(organizations.own, 10_000) == 10_000

    async def test_a_limit_below_what_there_is_leaves_no_room(self, app, organizations, sql):
        assert await self.register(app, organizations.own, "d-1")
        await sql.execute("update organizations set device_limit = 0 where id = $1", organizations.own)
        assert not await self.register(app, organizations.own, "d-2")
