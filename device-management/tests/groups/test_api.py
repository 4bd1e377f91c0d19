import asyncio
import json

import pytest


async def create(client, name="North", **body):
    return await client.post("/api/v2/groups", json={"name": name, **body})


async def register(client, *uids, **body):
    return [(await client.post("/api/v2/devices", json={"device_uid": uid, **body})).json()["id"] for uid in uids]


async def members(client, group, **params):
    answer = await client.get(f"/api/v2/groups/{group['id']}/members", params=params)
    assert answer.status_code == 200, answer.text
    return [device["device_uid"] for device in answer.json()["items"]]


async def test_a_group_is_made_read_listed_and_told(admin, sql):
    answer = await create(admin, description="all in the north")
    assert answer.status_code == 201, answer.text
    group = answer.json()
    assert (group["kind"], group["members"], group["rql"], group["version"]) == ("fixed", 0, None, 1)
    read = await admin.get(f"/api/v2/groups/{group['id']}")
    assert (read.json(), read.headers["etag"]) == (group, '"1"')
    assert (await admin.get("/api/v2/groups")).json() == {"items": [group], "next": None}
    event = json.loads(await sql.fetchval("select payload from outbox"))
    assert (event["type"], event["subject"], event["data"]["name"]) == (
        "group.created.v1",
        f"group/{group['id']}",
        "North",
    )


async def test_a_group_is_changed_by_who_saw_its_version_and_deleted_for_good(admin, sql):
    group = (await create(admin, rql='eq(device_type,"pump")')).json()
    url = f"/api/v2/groups/{group['id']}"
    changed = await admin.patch(url, json={"rql": 'eq(device_type,"valve")'}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"'), changed.text
    stale = await admin.patch(url, json={"name": "South"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert (await admin.delete(url, headers={"If-Match": '"1"'})).status_code == 412
    assert (await admin.delete(url)).status_code == 204
    assert (await admin.get(url)).status_code == 404
    events = [json.loads(row["payload"]) for row in await sql.fetch("select payload from outbox order by id")]
    assert [(event["type"], event["data"]["version"]) for event in events] == [
        ("group.created.v1", 1),
        ("group.changed.v1", 2),
        ("group.deleted.v1", 3),
    ]
    rows = await sql.fetch("select action, before from audit_entries where subject_kind = 'group' order by id")
    assert [row["action"] for row in rows] == ["created", "changed", "deleted"]
    assert json.loads(rows[1]["before"]) == {"rql": 'eq(device_type,"pump")'}


async def test_of_twenty_changes_that_saw_one_version_one_is_made(admin):
    group = (await create(admin)).json()
    answers = await asyncio.gather(
        *(
            admin.patch(f"/api/v2/groups/{group['id']}", json={"name": f"N{number}"}, headers={"If-Match": '"1"'})
            for number in range(20)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19


async def test_members_come_and_leave_by_uid_or_id_and_the_list_is_filtered_by_the_group(admin, sql):
    first, second, _ = await register(admin, "pump-1", "pump-2", "pump-3")
    group = (await create(admin)).json()
    url = f"/api/v2/groups/{group['id']}/members"
    added = await admin.post(url, json={"devices": ["pump-1", second, "pump-1"]})
    assert (added.status_code, added.json()) == (200, {"changed": 2, "members": 2}), added.text
    again = await admin.post(url, json={"devices": [str(first), "pump-3"]})
    assert again.json() == {"changed": 1, "members": 3}
    assert await members(admin, group) == ["pump-1", "pump-2", "pump-3"]
    left = await admin.post(f"{url}/remove", json={"devices": ["pump-1", "pump-1", "nobody"]})
    assert left.json() == {"changed": 1, "members": 2}
    listed = await admin.get("/api/v2/devices", params={"group": group["id"], "rql": 'ne(device_uid,"pump-2")'})
    assert [device["device_uid"] for device in listed.json()["items"]] == ["pump-3"]
    rows = await sql.fetch("select action, after from audit_entries where subject_kind = 'group' order by id")
    assert [(row["action"], json.loads(row["after"])) for row in rows[1:]] == [
        ("members_added", {"devices": ["pump-1", "pump-2"]}),
        ("members_added", {"devices": ["pump-3"]}),
        ("members_removed", {"devices": ["pump-1"]}),
    ]


async def test_members_are_read_page_by_page(admin):
    ids = await register(admin, *(f"pump-{number}" for number in range(5)))
    group = (await create(admin)).json()
    await admin.post(f"/api/v2/groups/{group['id']}/members", json={"devices": ids})
    seen, url = [], f"/api/v2/groups/{group['id']}/members?limit=2"
    while url:
        page = await admin.get(url)
        seen += [device["id"] for device in page.json()["items"]]
        url = page.links["next"]["url"] if "next" in page.links else None
    assert seen == ids


async def test_one_unknown_device_and_none_is_added(admin, stranger):
    await register(admin, "pump-1")
    [theirs] = await register(stranger, "theirs")
    group = (await create(admin)).json()
    for unknown in ("theirs", theirs, "nobody", 999_999, "9" * 40):
        answer = await admin.post(f"/api/v2/groups/{group['id']}/members", json={"devices": ["pump-1", unknown]})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_devices")
        assert answer.json()["unknown"] == [str(unknown)]
    assert await members(admin, group) == []


async def test_ten_thousand_are_added_at_once(admin, copies):
    await register(admin, "many")
    uids = await copies("many", 10_000)
    group = (await create(admin)).json()
    url = f"/api/v2/groups/{group['id']}/members"
    assert (await admin.post(url, json={"devices": uids})).json() == {"changed": 10_000, "members": 10_000}
    assert (await admin.post(url, json={"devices": [*uids, "one-more"]})).status_code == 422
    assert (await admin.post(f"{url}/remove", json={"devices": uids})).json() == {"changed": 10_000, "members": 0}


async def test_a_query_group_holds_whatever_it_finds_now(admin):
    await register(admin, "pump-1", device_type="pump")
    group = (await create(admin, "Pumps", rql='eq(device_type,"pump")')).json()
    assert (group["kind"], group["members"]) == ("query", None)
    assert await members(admin, group) == ["pump-1"]
    await register(admin, "pump-2", device_type="pump")
    await admin.patch("/api/v2/devices/pump-1", json={"device_type": "valve"})
    assert await members(admin, group) == ["pump-2"]


async def test_a_group_stays_of_its_kind(admin):
    fixed, query = (await create(admin)).json(), (await create(admin, "Pumps", rql="exists(name)")).json()
    for answer in (
        await admin.patch(f"/api/v2/groups/{fixed['id']}", json={"rql": "exists(name)"}),
        await admin.post(f"/api/v2/groups/{query['id']}/members", json={"devices": ["pump-1"]}),
        await admin.post(f"/api/v2/groups/{query['id']}/members/remove", json={"devices": ["pump-1"]}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_group_kind")


async def test_a_name_is_unique_in_an_organization_and_free_in_another(admin, stranger):
    await create(admin)
    again = await create(admin)
    assert (again.status_code, again.json()["code"]) == (409, "group_name_taken")
    assert (await create(stranger)).status_code == 201
    other = (await create(admin, "South")).json()
    renamed = await admin.patch(f"/api/v2/groups/{other['id']}", json={"name": "North"})
    assert (renamed.status_code, renamed.json()["code"]) == (409, "group_name_taken")


async def test_another_organizations_group_answers_as_one_that_does_not_exist(admin, stranger):
    group = (await create(admin)).json()
    await register(stranger, "theirs")
    calls = [
        ("GET", "", None),
        ("PATCH", "", {"name": "Mine"}),
        ("DELETE", "", None),
        ("GET", "/members", None),
        ("POST", "/members", {"devices": ["theirs"]}),
        ("POST", "/members/remove", {"devices": ["theirs"]}),
    ]
    for method, rest, body in calls:
        theirs = await stranger.request(method, f"/api/v2/groups/{group['id']}{rest}", json=body)
        nobodys = await stranger.request(method, f"/api/v2/groups/999{rest}", json=body)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json()
    filtered = await stranger.get("/api/v2/devices", params={"group": group["id"]})
    assert (filtered.status_code, filtered.json()["code"]) == (404, "group_not_found")
    assert (await stranger.get("/api/v2/groups")).json() == {"items": [], "next": None}


async def test_a_purged_device_is_in_no_group_when_its_uid_is_registered_anew(admin, credentials, organizations):
    own = organizations.own
    platform = credentials.person("devices:write", "platform:admin", organization_id=own)
    await register(admin, "pump-1")
    group = (await create(admin)).json()
    await admin.post(f"/api/v2/groups/{group['id']}/members", json={"devices": ["pump-1"]})
    purged = await admin.delete("/api/v2/devices/pump-1?purge=true", headers={"Authorization": f"Bearer {platform}"})
    assert purged.status_code == 204
    await register(admin, "pump-1")
    assert await members(admin, group) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {}),
        ("", {"name": ""}),
        ("", {"name": "a\0b"}),
        ("/1/members", {"devices": []}),
        ("/1/members", {"devices": [0]}),
        ("/1/members", {"devices": [None]}),
        ("/0", None),
        ("/x", None),
    ],
)
async def test_a_bad_body_is_refused(admin, path, body):
    answer = await admin.request("POST" if body is not None else "GET", f"/api/v2/groups{path}", json=body)
    assert answer.status_code == 422, answer.text


async def test_the_same_key_makes_one_group(admin):
    answers = [
        await admin.post("/api/v2/groups", json={"name": "North"}, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
