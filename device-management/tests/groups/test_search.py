"""Devices by RQL, in the list and as a dry run."""

from datetime import UTC, datetime

import pytest

from device_management.device_status.service import DeviceStatusService
from shared.contracts.presence import PresenceState

FLEET = [
    {"device_uid": "pump-1", "name": "Pump 1", "device_type": "pump", "attributes": {"type": "pump", "slots": 2}},
    {"device_uid": "pump-2", "name": "Pump 2", "device_type": "pump", "tags": ["north"], "updates_enabled": False},
    {"device_uid": "gate-1", "device_type": "gateway", "attributes": {"type": "gateway", "slots": 8}},
    {"device_uid": "gate-2", "attributes": {"type": "gateway", "slots": "eight", "site": {"floor": 1}}},
]


@pytest.fixture
async def fleet(admin, stranger):
    for device in FLEET:
        assert (await admin.post("/api/v2/devices", json=device)).status_code == 201
    await stranger.post("/api/v2/devices", json={"device_uid": "theirs", "attributes": {"type": "gateway"}})


async def found(client, rql, **params):
    answer = await client.get("/api/v2/devices", params={"rql": rql, **params})
    assert answer.status_code == 200, answer.text
    return [device["device_uid"] for device in answer.json()["items"]]


@pytest.mark.parametrize(
    ("rql", "uids"),
    [
        ('eq(attributes/type,"gateway")', ["gate-1", "gate-2"]),
        ("gt(attributes/slots,2)", ["gate-1"]),
        ("exists(attributes/site/floor)", ["gate-2"]),
        ('like(name,"pump*")', []),
        ('ilike(name,"pump*")', ["pump-1", "pump-2"]),
        ('eq(tags,"north")', ["pump-2"]),
        ("and(eq(updates_enabled,true),exists(device_type))", ["pump-1", "gate-1"]),
        ('or(eq(device_uid,"pump-1"),empty(attributes))', ["pump-1", "pump-2"]),
        ('not(eq(attributes/type,"gateway"))', ["pump-1", "pump-2"]),
        ('in(device_uid,"pump-2","theirs","nobody")', ["pump-2"]),
        ('eq(status,"idle")', ["pump-1", "pump-2", "gate-1", "gate-2"]),
        ('gt(registered_at,"2020-01-01T00:00:00Z")', ["pump-1", "pump-2", "gate-1", "gate-2"]),
        ("eq(id,1e0)", None),
    ],
)
async def test_a_list_holds_what_the_query_finds(admin, fleet, rql, uids):
    if uids is None:
        assert (await admin.get("/api/v2/devices", params={"rql": rql})).status_code == 400
    else:
        assert await found(admin, rql) == uids


async def test_a_device_is_there_or_was_or_never_was(admin, fleet, app):
    for version, uid, online in ((1, "pump-1", True), (1, "pump-2", True), (2, "pump-2", False)):
        async with app.state.scopes() as scope:
            news = PresenceState(
                organization_id=1, device_uid=uid, online=online, since=datetime.now(UTC), version=version
            )
            await scope.get(DeviceStatusService).take_presence([news])
    await admin.put("/api/v2/devices/pump-2/status", json={"status": "maintenance"})
    assert await found(admin, "eq(online,true)") == ["pump-1"]
    assert await found(admin, "eq(online,false)") == ["pump-2"]
    assert await found(admin, "eq(online,null)") == ["gate-1", "gate-2"]
    assert await found(admin, "not(eq(online,true))") == ["pump-2", "gate-1", "gate-2"]
    for uid, online in (("pump-1", True), ("pump-2", False), ("gate-1", None)):
        assert (await admin.get(f"/api/v2/devices/{uid}")).json()["online"] is online


async def test_a_tag_is_not_found_by_a_longer_text_that_begins_like_it(admin, fleet):
    tag = "t" * 64
    await admin.patch("/api/v2/devices/pump-1", json={"tags": [tag]})
    assert await found(admin, f'eq(tags,"{tag}")') == ["pump-1"]
    assert await found(admin, f'in(tags,"{tag}t","north")') == ["pump-2"]
    assert await found(admin, f'and(exists(tags),ne(tags,"{tag}"))') == ["pump-2", "gate-1", "gate-2"]


async def test_a_query_is_one_filter_beside_the_others_and_is_read_page_by_page(admin, fleet):
    assert await found(admin, 'eq(attributes/type,"gateway")', device_type="gateway") == ["gate-1"]
    seen, url = [], "/api/v2/devices?limit=1&rql=exists(attributes/type)"
    while url:
        page = await admin.get(url)
        seen += [device["device_uid"] for device in page.json()["items"]]
        url = page.links["next"]["url"] if "next" in page.links else None
    assert seen == ["pump-1", "gate-1", "gate-2"]


@pytest.mark.parametrize(
    ("rql", "position"),
    [("eq(name", 7), ("like(name,5)", 10), ('eq(colour,"red")', 3), ("", 0), ("eq(min_token_generation,1)", 3)],
)
async def test_a_bad_query_names_its_position(admin, fleet, rql, position):
    answers = [
        await admin.get("/api/v2/devices", params={"rql": rql}),
        await admin.post("/api/v2/devices/search", json={"rql": rql}),
        await admin.post("/api/v2/groups", json={"name": "g", "rql": rql}),
    ]
    for answer in answers:
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["position"]) == (400, "bad_query", position)
        assert problem["expected"]


async def test_a_dry_run_counts_and_shows_the_first(admin, fleet):
    answer = await admin.post("/api/v2/devices/search", json={"rql": "exists(attributes/type)", "sample": 2})
    assert answer.status_code == 200, answer.text
    result = answer.json()
    assert (result["count"], result["exact"]) == (3, True)
    assert [device["device_uid"] for device in result["sample"]] == ["pump-1", "gate-1"]
    nothing = await admin.post("/api/v2/devices/search", json={"rql": 'eq(name,"nothing")', "sample": 0})
    assert nothing.json() == {"count": 0, "exact": True, "sample": []}


async def test_counting_stops_at_its_limit_and_says_so(admin, fleet, monkeypatch):
    monkeypatch.setattr("device_management.groups.service.COUNTED", 2)
    answer = await admin.post("/api/v2/devices/search", json={"rql": "exists(device_uid)", "sample": 0})
    assert answer.json() == {"count": 2, "exact": False, "sample": []}


async def test_a_query_past_its_time_is_refused(admin, copies, monkeypatch):
    monkeypatch.setattr("shared.rql.sql.SEARCH_SECONDS", 0.001)
    await admin.post("/api/v2/devices", json={"device_uid": "slow", "attributes": {"text": "a" * 1_000}})
    await copies("slow", 2_000)
    pattern = "*b*a*"
    for answer in (
        await admin.get("/api/v2/devices", params={"rql": f'like(attributes/text,"{pattern}")'}),
        await admin.post("/api/v2/devices/search", json={"rql": f'like(attributes/text,"{pattern}")'}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "query_too_slow")


@pytest.mark.parametrize(
    "body", [{}, {"rql": 5}, {"rql": "exists(id)", "sample": 101}, {"rql": "exists(id)", "more": 1}]
)
async def test_a_search_of_the_wrong_shape_is_refused(admin, body):
    assert (await admin.post("/api/v2/devices/search", json=body)).status_code == 422
