"""Editing a device: merge patch, replacement, entity tags, and who did it."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_management.devices.rules import merged

ATTRIBUTES = {"site": {"floor": 2, "room": "a"}, "owner": "Ada"}


@pytest.fixture
async def pump(admin):
    body = {"device_uid": "pump-1", "name": "Pump", "serial_number": "S1", "attributes": ATTRIBUTES, "tags": ["a"]}
    return (await admin.post("/api/v2/devices", json=body)).json()


async def test_patch_merges_attributes_and_leaves_what_it_does_not_name(admin, pump):
    body = {"attributes": {"site": {"room": None, "row": 7}}, "hardware_version": "v2"}
    answer = await admin.patch(
        "/api/v2/devices/pump-1", json=body, headers={"Content-Type": "application/merge-patch+json"}
    )
    device = answer.json()
    assert answer.status_code == 200
    assert device["attributes"] == {"site": {"floor": 2, "row": 7}, "owner": "Ada"}
    assert (device["name"], device["hardware_version"], device["serial_number"]) == ("Pump", "v2", "S1")
    assert (device["version"], answer.headers["etag"]) == (2, '"2"')


async def test_put_takes_attributes_as_the_whole(admin, pump):
    device = (await admin.put("/api/v2/devices/pump-1", json={"attributes": {"a": 1}, "name": "New"})).json()
    assert (device["attributes"], device["name"], device["tags"]) == ({"a": 1}, "New", ["a"])


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_null_clears(admin, pump, method):
    body = {"name": None, "attributes": None, "tags": None}
    device = (await admin.request(method, "/api/v2/devices/pump-1", json=body)).json()
    assert (device["name"], device["attributes"], device["tags"]) == (None, {}, [])


@pytest.mark.parametrize("body", [{}, {"name": "Pump"}, {"attributes": {"owner": "Ada"}}, {"updates_enabled": True}])
async def test_an_edit_that_changes_nothing_makes_no_version_and_no_event(admin, sql, pump, body):
    answer = await admin.patch("/api/v2/devices/pump-1", json=body)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert await sql.fetchval("select count(*) from outbox") == 1
    assert await sql.fetchval("select count(*) from audit_entries") == 1


@pytest.mark.parametrize(
    "body",
    [
        {"device_uid": "other"},
        {"lifecycle": "deployed"},
        {"updates_enabled": None},
        {"name": ""},
        {"name": "a\0"},
        {"tags": ["x"] * 65},
        {"attributes": [1]},
    ],
)
async def test_what_cannot_be_edited_or_stored_is_refused_whole(admin, sql, pump, body):
    answer = await admin.patch("/api/v2/devices/pump-1", json={"serial_number": "S2", **body})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert await sql.fetchval("select serial_number from devices") == "S1"


async def test_merged_attributes_stay_within_the_limit(admin, pump):
    for name in ("a", "b"):
        answer = await admin.patch("/api/v2/devices/pump-1", json={"attributes": {name: "x" * 10_000}})
    assert (answer.status_code, answer.json()["code"]) == (422, "unacceptable_attributes")
    assert (await admin.get("/api/v2/devices/pump-1")).json()["version"] == 2


class TestIfMatch:
    async def test_the_version_read_may_be_edited_once(self, admin, pump):
        headers = {"If-Match": (await admin.get("/api/v2/devices/pump-1")).headers["etag"]}
        assert (await admin.patch("/api/v2/devices/pump-1", json={"name": "x"}, headers=headers)).status_code == 200
        answer = await admin.patch("/api/v2/devices/pump-1", json={"name": "y"}, headers=headers)
        assert (answer.status_code, answer.json()["code"], answer.json()["version"]) == (412, "stale", 2)

    @pytest.mark.parametrize(
        ("tag", "status"), [("*", 200), ('"7", "1"', 200), ('W/"1"', 412), ('"2"', 412), ("1", 400)]
    )
    async def test_its_forms(self, admin, pump, tag, status):
        answer = await admin.put("/api/v2/devices/pump-1", json={"name": "x"}, headers={"If-Match": tag})
        assert answer.status_code == status

    async def test_it_reads_the_database_not_the_cache(self, admin, sql, pump):
        await admin.get("/api/v2/devices/pump-1")
        await sql.execute("update devices set version = 9")
        answer = await admin.patch("/api/v2/devices/pump-1", json={"name": "x"}, headers={"If-Match": '"9"'})
        assert answer.status_code == 200

    async def test_of_fifty_editors_of_one_version_one_wins(self, admin, sql, pump):
        async def edit(number):
            return await admin.patch("/api/v2/devices/pump-1", json={"name": f"n{number}"}, headers={"If-Match": '"1"'})

        answers = await asyncio.gather(*(edit(number) for number in range(50)))
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 49
        assert await sql.fetchval("select version from devices") == 2

    async def test_fifty_edits_of_different_attributes_all_stand(self, admin, sql, pump):
        """Read, merge and write are one step: none is lost to another."""
        answers = await asyncio.gather(
            *(
                admin.patch("/api/v2/devices/pump-1", json={"attributes": {f"k{number}": number}})
                for number in range(50)
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        device = (await admin.get("/api/v2/devices/pump-1")).json()
        assert device["attributes"] == {**ATTRIBUTES, **{f"k{number}": number for number in range(50)}}
        assert await sql.fetchval("select count(*) from audit_entries where action = 'edited'") == 50


async def test_the_audit_log_holds_what_differs_and_nothing_of_a_refused_edit(admin, pump):
    await admin.patch("/api/v2/devices/pump-1", json={"name": "New"})
    await admin.patch("/api/v2/devices/pump-1", json={"name": "Newer"}, headers={"If-Match": '"1"'})
    page = (await admin.get("/api/v2/devices/pump-1/audit?limit=1")).json()
    [entry] = page["items"]
    assert (entry["action"], entry["before"], entry["after"]) == ("edited", {"name": "Pump"}, {"name": "New"})
    rest = (await admin.get(f"/api/v2/devices/pump-1/audit?cursor={page['next']}")).json()
    assert [(item["action"], item["before"]) for item in rest["items"]] == [("registered", None)]
    assert rest["items"][0]["after"]["serial_number"] == "S1"


async def test_the_audit_log_of_anothers_device_is_not_found(stranger, pump):
    assert (await stranger.get("/api/v2/devices/pump-1/audit")).status_code == 404


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=2), json_values, max_size=4)


def reference_merge(target, patch):
    """The pseudocode of RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = reference_merge(result.get(name), value)
    return result


@given(objects, objects)
def test_merging_is_that_of_rfc_7396(target, patch):
    assert merged(target, patch) == reference_merge(target, patch)
