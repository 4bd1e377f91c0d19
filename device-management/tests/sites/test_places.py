"""At which site a device is: at one at the most, said by people or by the first broker that carries it."""

import json

import pytest

from device_management.sites.models import Site
from device_management.sites.service import SiteService


@pytest.fixture
def told(sql):
    async def told(uid):
        rows = await sql.fetch("select payload from outbox where subject = $1 order by id", f"device/{uid}")
        states = [json.loads(row["payload"])["data"] for row in rows]
        return [(state["version"], state["site_id"]) for state in states]

    return told


@pytest.fixture
async def sites(admin):
    for uid in ("pump-1", "pump-2"):
        assert (await admin.post("/api/v2/devices", json={"device_uid": uid})).status_code == 201
    made = [await admin.post("/api/v2/sites", json={"name": name, "host": "192.0.2.1"}) for name in ("one", "two")]
    return [answer.json()["id"] for answer in made]


@pytest.fixture
def hear(app, sql):
    """What the worker that keeps a site's link does when its broker speaks for devices."""

    async def hear(site_id, *uids):
        organization_id = await sql.fetchval("select organization_id from sites where id = $1", site_id)
        async with app.state.scopes() as scope:
            return await scope.get(SiteService).hear(Site(id=site_id, organization_id=organization_id), uids)

    return hear


async def test_a_device_is_at_the_site_where_somebody_put_it(admin, sites, told):
    one, two = sites
    answer = await admin.post(f"/api/v2/sites/{one}/devices", json={"devices": ["pump-1", "pump-2"]})
    assert (answer.status_code, answer.json()) == (200, {"changed": 2})
    assert (await admin.post(f"/api/v2/sites/{one}/devices", json={"devices": ["pump-1"]})).json() == {"changed": 0}
    await admin.post(f"/api/v2/sites/{two}/devices", json={"devices": ["pump-1"]})
    assert await told("pump-1") == [(1, None), (2, one), (3, two)]
    assert (await admin.get("/api/v2/devices/pump-1")).json()["site_id"] == two
    found = await admin.get(f"/api/v2/devices?rql=eq(site_id,{one})")
    assert [device["device_uid"] for device in found.json()["items"]] == ["pump-2"]


async def test_the_broker_that_carries_a_device_without_a_site_takes_it_and_no_other_does(admin, sites, hear, told):
    one, two = sites
    assert await hear(one, "pump-1", "nobody") == {"pump-1"}
    await hear(two, "pump-1")
    await hear(one, "pump-1")
    assert await told("pump-1") == [(1, None), (2, one)]
    await admin.post(f"/api/v2/sites/{two}/devices", json={"devices": ["pump-1"]})
    await hear(one, "pump-1")
    assert (await told("pump-1"))[-1] == (3, two)


async def test_a_device_that_is_taken_away_is_at_no_site(admin, sites, told):
    one, two = sites
    await admin.post(f"/api/v2/sites/{one}/devices", json={"devices": ["pump-1"]})
    assert (await admin.post(f"/api/v2/sites/{two}/devices/remove", json={"devices": ["pump-1"]})).json() == {
        "changed": 0
    }
    await admin.post(f"/api/v2/sites/{one}/devices/remove", json={"devices": ["pump-1"]})
    assert (await told("pump-1"))[-1] == (3, None)


async def test_a_removed_site_leaves_its_devices_without_one(admin, sites, told):
    one, _ = sites
    await admin.post(f"/api/v2/sites/{one}/devices", json={"devices": ["pump-1"]})
    assert (await admin.delete(f"/api/v2/sites/{one}")).status_code == 204
    assert (await told("pump-1"))[-1] == (3, None)
    assert (await told("pump-2"))[-1] == (1, None)


async def test_all_of_the_devices_or_none(admin, sites, told):
    answer = await admin.post(f"/api/v2/sites/{sites[0]}/devices", json={"devices": ["pump-1", "nobody"]})
    assert (answer.status_code, answer.json()["unknown"]) == (422, ["nobody"])
    assert await told("pump-1") == [(1, None)]


async def test_a_purged_device_is_not_heard_and_not_shown(admin, sites, hear, sql):
    one, _ = sites
    await sql.execute("update devices set lifecycle = 'purged' where device_uid = 'pump-1'")
    assert await hear(one, "pump-1", "pump-2") == {"pump-2"}
    await sql.execute("update devices set lifecycle = 'purged' where device_uid = 'pump-2'")
    assert (await admin.get(f"/api/v2/sites/{one}/devices")).json()["items"] == []
