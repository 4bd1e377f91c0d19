import asyncio

import pytest

SITE = {"name": "Plant 1", "host": "mqtt.example.com", "port": "1883", "username": "user1", "password": "pass1"}


async def create(client, **changes):
    return await client.post("/api/v2/sites", json=SITE | changes)


async def test_a_site_is_added_read_and_listed_and_its_password_never_shown(admin, sql):
    answer = await create(admin, description="Main gateway")
    assert answer.status_code == 201, answer.text
    site = answer.json()
    assert (site["port"], site["has_password"], site["version"]) == (1883, True, 1)
    assert (site["link"]["state"], site["topic_template"]) == ("waiting", "devices/{uid}/telemetry")
    read = await admin.get(f"/api/v2/sites/{site['id']}")
    assert (read.json(), read.headers["etag"]) == (site, '"1"')
    assert (await admin.get("/api/v2/sites")).json() == {"items": [site], "next": None}
    for text in (answer.text, read.text, str(await sql.fetchrow("select * from sites")), await audit_text(sql)):
        assert "pass1" not in text


async def audit_text(sql) -> str:
    return str(await sql.fetch("select * from audit_entries"))


async def test_a_change_names_what_changes_and_the_version_it_saw(admin):
    site = (await create(admin)).json()
    url = f"/api/v2/sites/{site['id']}"
    changed = await admin.patch(url, json={"host": "other.example.com", "password": None}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert changed.json() | {"updated_at": ""} == site | {
        "host": "other.example.com",
        "has_password": False,
        "version": 2,
        "updated_at": "",
    }
    stale = await admin.patch(url, json={"enabled": False}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert (await admin.patch(url, json={"enabled": False})).json()["link"]["state"] == "disabled"


async def test_every_change_of_a_site_is_in_the_audit_log(admin, sql):
    site = (await create(admin)).json()
    await admin.patch(f"/api/v2/sites/{site['id']}", json={"password": "another"})
    await admin.delete(f"/api/v2/sites/{site['id']}")
    rows = await sql.fetch("select action, before, after from audit_entries order by id")
    assert [row["action"] for row in rows] == ["created", "changed", "removed"]
    assert (rows[1]["before"], rows[1]["after"]) == ('{"password": "***"}', '{"password": "***"}')


async def test_of_fifty_changes_that_saw_one_version_one_is_made(admin):
    site = (await create(admin)).json()
    changes = [
        admin.patch(f"/api/v2/sites/{site['id']}", json={"port": 2000 + number}, headers={"If-Match": '"1"'})
        for number in range(50)
    ]
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*changes)])
    assert statuses == [200] + [412] * 49


async def test_a_name_is_unique_in_an_organization_and_free_in_another(admin, stranger):
    first = (await create(admin)).json()
    again = await create(admin)
    assert (again.status_code, again.json()["code"]) == (409, "site_name_taken")
    assert (await create(stranger)).status_code == 201
    second = (await create(admin, name="Plant 2")).json()
    renamed = await admin.patch(f"/api/v2/sites/{second['id']}", json={"name": "Plant 1"})
    assert (renamed.status_code, renamed.json()["code"]) == (409, "site_name_taken")
    same = await admin.patch(f"/api/v2/sites/{first['id']}", json={"name": "Plant 1"})
    assert same.status_code == 200


async def test_a_removed_site_is_gone(admin):
    site = (await create(admin)).json()
    url = f"/api/v2/sites/{site['id']}"
    assert (await admin.delete(url, headers={"If-Match": '"9"'})).status_code == 412
    assert (await admin.delete(url)).status_code == 204
    assert (await admin.get(url)).status_code == (await admin.delete(url)).status_code == 404


async def test_another_organizations_site_answers_as_one_that_does_not_exist(admin, stranger):
    site = (await create(admin)).json()
    calls = [("GET", "", None), ("PATCH", "", {"enabled": False}), ("DELETE", "", None), ("GET", "/devices", None)]
    for method, rest, body in calls:
        theirs = await stranger.request(method, f"/api/v2/sites/{site['id']}{rest}", json=body)
        nobodys = await stranger.request(method, f"/api/v2/sites/{site['id'] + 999}{rest}", json=body)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json()
    assert (await stranger.get("/api/v2/sites")).json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": ""}, 422),
        ({"name": "a\0"}, 422),
        ({"host": "http://x"}, 422),
        ({"host": "a b"}, 422),
        ({"host": "user@x"}, 422),
        ({"host": ""}, 422),
        ({"port": 0}, 422),
        ({"port": "65536"}, 422),
        ({"port": "http"}, 422),
        ({"port": True}, 422),
        ({"username": "a\0"}, 422),
        ({"password": "x" * 513}, 422),
        ({"topic_template": "devices/#"}, 422),
        ({"topic_template": "no/device"}, 422),
        ({"ca_certificate": ""}, 422),
        ({"ca_certificate": "no certificate"}, 422),
        ({"ca_certificate": "kein Zertifikat für uns"}, 422),
        ({"unknown": 1}, 422),
    ],
)
async def test_a_site_that_makes_no_sense_is_refused(admin, change, status):
    answer = await create(admin, **change)
    assert answer.status_code == status, answer.text
    assert (await admin.get("/api/v2/sites")).json()["items"] == []
    site = (await create(admin)).json()
    changed = await admin.patch(f"/api/v2/sites/{site['id']}", json=change)
    assert changed.status_code == status
    assert (await admin.patch(f"/api/v2/sites/{site['id']}", json={})).status_code == 422


async def test_sites_are_read_page_by_page(admin):
    names = [f"Plant {number}" for number in range(5)]
    for name in names:
        await create(admin, name=name)
    seen, cursor = [], None
    while True:
        page = (await admin.get("/api/v2/sites", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [site["name"] for site in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == names
