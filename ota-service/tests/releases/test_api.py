"""Releases as people see them, from the document to the tree."""

import pytest

from .conftest import UIDS, told

PROMISED_RELEASE = {
    "name": "January 2025",
    "slug": "rel-2025-01",
    "waves": [
        {
            "slug": "wave-1",
            "name": "West first",
            "clusters": [
                {
                    "slug": "us-west",
                    "rql": 'eq(attributes/region,"us-west")',
                    "bundle": {"slug": "web-services", "name": "Web services", "apps": [{"slug": "api-gateway"}]},
                }
            ],
        }
    ],
}


@pytest.fixture
async def january(person, add_devices, add_firmware):
    """The release of the older interface's examples."""
    await add_devices("gw-1", "gw-2", attributes={"region": "us-west"})
    await add_devices("gw-3", attributes={"region": "us-east"})
    firmware = await add_firmware("2.0")
    PROMISED_RELEASE["waves"][0]["clusters"][0]["bundle"]["apps"][0]["firmware_id"] = firmware.id
    answer = await person.post("/api/v2/releases", json=PROMISED_RELEASE)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_the_older_interface_answers_at_its_own_paths(person, january):
    [listed] = (await person.get("/api/releases")).json()["items"]
    assert (listed["id"], listed["state"], listed["progress"]["devices"]) == ("release:rel-2025-01", "draft", 2)
    for name in ("rel-2025-01", "release:rel-2025-01"):
        one = (await person.get(f"/api/releases/{name}")).json()
        assert one["waves"][0]["id"] == "wave:wave-1"
        assert one["waves"][0]["progress"]["waiting"] == 2
    tree = (await person.get("/api/releases/rel-2025-01/hierarchy")).json()
    [wave] = tree["waves"]
    [cluster] = wave["clusters"]
    [app] = cluster["bundle"]["apps"]
    nodes = [tree, wave, cluster, cluster["bundle"], app]
    assert [(node["id"], node["type"], node["parent"], node["state"]) for node in nodes] == [
        ("release:rel-2025-01", "release", None, "draft"),
        ("wave:wave-1", "wave", "release:rel-2025-01", "draft"),
        ("cluster:us-west", "cluster", "wave:wave-1", "draft"),
        ("bundle:web-services", "bundle", "cluster:us-west", "draft"),
        ("app:api-gateway", "app", "bundle:web-services", "draft"),
    ]
    for node in nodes:
        assert (await person.get(f"/api/entities/{node['id']}")).json() == node


async def test_what_is_not_there_is_404(person, january):
    for path in ("releases/none", "releases/none/hierarchy"):
        answer = await person.get(f"/api/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "release_not_found")
    for name in ("wave:none", "wave", "nothing:wave-1", "cluster:wave-1"):
        answer = await person.get(f"/api/entities/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "entity_not_found")


async def test_a_wave_has_its_part_of_the_devices_always_the_same(person, document, sql, act, steps, open_sessions):
    answer = await person.post("/api/v2/releases", json=document(10, 30, 60))
    assert [wave["progress"]["devices"] for wave in answer.json()["waves"]] == [2, 6, 12]
    first = await sql.fetch(
        "select device_uid from release_devices join release_clusters c on c.id = cluster_id "
        "where c.slug like '%wave-1%'"
    )
    by_hand = "select uid from unnest($1::text[]) uid order by md5('rel-1/' || uid), uid limit 2"
    assert {row["device_uid"] for row in first} == {row["uid"] for row in await sql.fetch(by_hand, UIDS)}


async def test_a_device_that_two_clusters_find_belongs_to_the_first(person, document, firmware):
    bundle = {"apps": [{"firmware_id": firmware}]}
    clusters = [
        {"slug": "one", "device_uids": ["pump-01", "pump-02", "nobodys"], "bundle": bundle},
        {"slug": "others", "rql": 'like(device_uid,"pump-*")', "bundle": bundle},
    ]
    body = {"name": "x", "slug": "rel-1", "waves": [{"clusters": clusters}]}
    assert (await person.post("/api/v2/releases", json=body)).status_code == 201
    tree = (await person.get("/api/releases/rel-1/hierarchy")).json()
    assert [cluster["progress"]["devices"] for cluster in tree["waves"][0]["clusters"]] == [2, 18]


async def test_a_dry_run_says_what_it_would_come_to_and_writes_nothing(
    person, document, add_devices, add_firmware, sql
):
    body = document(10, 90)
    limited = await add_firmware("3.0", hardware_versions=["r1"])
    body["bundle"] = {"apps": [{"firmware_id": limited.id}]}
    await add_devices("pump-90", lifecycle="retired")
    await add_devices("pump-91", updates_enabled=False)
    await add_devices("pump-92", "pump-93", hardware_version="r9")
    await add_devices("pump-94", hardware_version=None)
    await person.post("/api/v2/updates", json={"device_uid": "pump-01", "firmware_id": limited.id})
    answer = await person.post("/api/v2/releases?dry_run=true", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["id"], found["devices"]) == ("release:rel-1", 25)
    assert [wave["devices"] for wave in found["waves"]] == [3, 22]
    assert found["obstacles"] == {"retired": 1, "updates_disabled": 1, "hardware_mismatch": 3, "update_open": 1}
    assert await sql.fetchval("select count(*) from releases") == 0
    assert await told(sql) == []


async def test_firmware_for_any_hardware_has_no_device_that_does_not_fit(person, document, add_devices):
    await add_devices("pump-92", hardware_version="r9")
    await add_devices("pump-93", hardware_version=None)
    answer = await person.post("/api/v2/releases?dry_run=true", json=document())
    assert answer.status_code == 200, answer.text
    assert (answer.json()["devices"], answer.json()["obstacles"]) == (22, {})
    assert (await person.post("/api/v2/releases", json=document())).json()["progress"]["devices"] == 22


async def test_what_is_wrong_with_a_document_is_told_with_its_place(person, document):
    shapes = await person.post(
        "/api/v2/releases", json=document(10, 90, waves=[{"percent": 0}], name="\u200b", colour="red")
    )
    assert shapes.status_code == 422
    places = {".".join(error["location"]) for error in shapes.json()["errors"]}
    assert places == {"body.waves.0.percent", "body.name", "body.colour"}
    rules = await person.post("/api/v2/releases?dry_run=true", json=document(10, 80))
    assert (rules.status_code, rules.json()["code"]) == (422, "release_invalid")
    [error] = rules.json()["errors"]
    assert error["location"] == ["body", "waves", "1", "percent"]


async def test_a_name_is_taken_once(person, document, january, sql):
    body = document(slug="rel-2", waves=[{"slug": "wave-1", "percent": 100}])
    for path in ("/api/v2/releases", "/api/v2/releases?dry_run=true"):
        answer = await person.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "slug_taken")
        assert answer.json()["taken"] == ["wave:wave-1"]
        again = await person.post(path, json=PROMISED_RELEASE)
        assert (again.status_code, again.json()["code"]) == (409, "slug_taken")
        assert "release:rel-2025-01" in again.json()["taken"]
    assert await sql.fetchval("select count(*) from releases") == 1


async def test_the_same_key_draws_up_one_release(person, document):
    headers = {"Idempotency-Key": "k"}
    first = await person.post("/api/v2/releases", json=document(), headers=headers)
    again = await person.post("/api/v2/releases", json=document(), headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())


async def test_a_release_that_asks_for_approval_starts_with_it(person, connect, credentials, draw_up, act, look, sql):
    await draw_up(approval=True)
    refused = await person.post("/api/v2/releases/rel-1/start")
    assert (refused.status_code, refused.json()["code"]) == (409, "release_not_approved")
    writer = connect(credentials.person("updates:read", "updates:write", organization_id=1, user="8"))
    assert (await writer.post("/api/v2/releases/rel-1/approve")).status_code == 403
    assert (await act("approve"))["approved_by"] == "7"
    assert (await act("approve"))["version"] == 2
    assert (await act("start"))["state"] == "running"
    assert await told(sql) == ["created", "approved", "started"]


async def test_one_with_a_start_time_waits_for_it(draw_up, act, look, steps, sql):
    await draw_up(start_at="2099-01-01T00:00:00Z")
    assert (await act("start"))["state"] == "scheduled"
    await steps()
    assert (await look())["state"] == "scheduled"
    await sql.execute("update releases set start_at = now()")
    await steps()
    assert (await look())["state"] == "running"
    assert (await told(sql))[:4] == ["created", "scheduled", "started", "wave_opened"]


async def test_what_was_withdrawn_since_is_told_at_the_start(person, draw_up, firmware):
    await draw_up()
    assert (await person.post(f"/api/v2/firmware/{firmware}/withdraw", json={"reason": "it burns"})).status_code == 200
    answer = await person.post("/api/v2/releases/rel-1/start")
    assert (answer.status_code, answer.json()["errors"][0]["type"]) == (422, "firmware_not_approved")


async def test_pages_go_on_where_they_ended(person, document):
    for number in range(3):
        await person.post("/api/v2/releases", json=document(slug=f"rel-{number}"))
    first = (await person.get("/api/v2/releases?limit=2")).json()
    second = (await person.get(f"/api/v2/releases?limit=2&cursor={first['next']}")).json()
    assert [item["slug"] for item in [*first["items"], *second["items"]]] == ["rel-2", "rel-1", "rel-0"]
    assert (await person.get("/api/v2/releases?state=running")).json()["items"] == []


@pytest.mark.parametrize("verb", ["pause", "resume", "retry"])
async def test_a_draft_cannot(person, draw_up, verb):
    await draw_up()
    answer = await person.post(f"/api/v2/releases/rel-1/{verb}")
    assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (409, "wrong_release_state", "draft")
