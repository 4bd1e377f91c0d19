"""Many devices in one call: shape refuses the whole, a rule refuses one."""

import asyncio
import json
import random

import pytest

from device_management.settings import Settings

PATH = "/api/v2/devices/batch"


@pytest.fixture
def own(organizations):
    """A device of the caller's organization."""

    def device(uid=None, **more):
        return {"organization_id": organizations.own, **({"device_uid": uid} if uid else {}), **more}

    return device


async def counts(sql):
    query = "select (select count(*) from devices), (select count(*) from outbox), (select count(*) from audit_entries)"
    return tuple(await sql.fetchrow(query))


async def test_registered_and_refused_are_told_apart_in_their_order(admin, sql, own, organizations):
    await admin.post("/api/v2/devices", json={"device_uid": "taken"})
    answer = await admin.post(
        PATH,
        json=[
            own("b", serial_number="SN1", hardware_version="v1.0", tags=["x", 'y"'], attributes={"k": [1]}),
            own("taken"),
            {"device_uid": "c", "organization_id": 999, "name": "Pump"},
            own("a"),
            own("b"),
            own("export"),
            own("é"),
            {"device_uid": "d", "organization_id": organizations.other},
        ],
    )
    assert answer.status_code == 207
    body = answer.json()
    assert [entry["device"]["device_uid"] for entry in body["successful"]] == ["b", "a"]
    assert body["failed"][1] == {
        "device": {"device_uid": "c", "organization_id": 999, "name": "Pump"},
        "error": "organization not found",
        "code": "organization_not_found",
    }
    assert [(entry["device"]["device_uid"], entry["code"]) for entry in body["failed"]] == [
        ("taken", "device_uid_taken"),
        ("c", "organization_not_found"),
        ("b", "device_uid_taken"),
        ("export", "unacceptable_uid"),
        ("é", "unacceptable_uid"),
        ("d", "organization_not_found"),
    ]
    assert await counts(sql) == (3, 3, 3)
    for entry in body["successful"]:
        assert (await admin.get(f"/api/v2/devices/{entry['device']['id']}")).json() == entry["device"]


async def test_each_has_its_event_and_its_entry_in_the_audit_log(admin, sql, own):
    await admin.post(PATH, json=[own(f"p-{number}", tags=["t"], status="deployed") for number in range(3)])
    rows = [json.loads(row["payload"]) for row in await sql.fetch("select payload from outbox order by id")]
    assert [(row["type"], row["subject"]) for row in rows] == [
        ("device.registered.v1", f"device/p-{number}") for number in range(3)
    ]
    single = (await admin.post("/api/v2/devices", json={"device_uid": "single"})).json()
    alone = json.loads(await sql.fetchval("select payload from outbox where subject = 'device/single'"))
    assert rows[0]["data"].keys() == alone["data"].keys()
    assert (rows[0]["data"]["lifecycle"], rows[0]["data"]["tags"]) == ("deployed", ["t"])
    [entry] = (await admin.get("/api/v2/devices/p-0/audit")).json()["items"]
    assert (entry["action"], entry["after"]["lifecycle"], entry["after"]["tags"]) == ("registered", "deployed", ["t"])
    [other] = (await admin.get(f"/api/v2/devices/{single['id']}/audit")).json()["items"]
    assert other["after"].keys() == entry["after"].keys()


async def test_missing_uids_are_made(admin, own):
    answer = await admin.post(PATH, json=[own(), own()])
    uids = {entry["device"]["device_uid"] for entry in answer.json()["successful"]}
    assert answer.status_code == 201
    assert len(uids) == 2


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        None,
        [{}],
        [1],
        [{"organization_id": "x"}],
        [{"organization_id": 1, "unknown": 1}],
        [{"organization_id": 1, "serial_number": 5}],
        [{"organization_id": 1, "name": "a\0"}],
        [{"organization_id": 1, "device_uid": "x" * 65}],
    ],
)
async def test_a_wrong_shape_refuses_the_whole_and_writes_nothing(admin, sql, own, body):
    answer = await admin.post(PATH, json=[own("good"), *body] if isinstance(body, list) and body else body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert await counts(sql) == (0, 0, 0)


async def test_an_organization_of_absurd_number_is_just_not_found(admin):
    answer = await admin.post(PATH, json=[{"organization_id": number} for number in (0, -1, 2**80)])
    assert answer.status_code == 207
    assert {entry["error"] for entry in answer.json()["failed"]} == {"organization not found"}


async def test_the_same_call_again_with_its_key_gives_the_first_answer(admin, sql, own):
    body = [own("a"), own(), {"organization_id": 999}]
    first, again = [await admin.post(PATH, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.status_code == 207
    assert again.headers["idempotent-replayed"] == "true"
    assert await counts(sql) == (2, 2, 2)


async def test_calls_at_once_with_the_same_uids_in_any_order_register_each_once(admin, sql, own):
    """Without the order of the statement they would wait for each other in a circle."""
    uids = [f"p-{number}" for number in range(500)]

    def shuffled():
        return [own(uid) for uid in random.sample(uids, len(uids))]

    answers = await asyncio.gather(*(admin.post(PATH, json=shuffled()) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 207}
    registered = [entry["device"]["device_uid"] for answer in answers for entry in answer.json()["successful"]]
    assert sorted(registered) == sorted(uids)
    assert await counts(sql) == (500, 500, 500)


async def test_a_purged_uid_comes_back_for_its_own_organization_alone(admin, sql, own, stranger, organizations):
    await admin.post("/api/v2/devices", json={"device_uid": "p"})
    await sql.execute("update devices set lifecycle = 'purged', version = 7, min_token_generation = 3")
    theirs = await stranger.post(PATH, json=[{"device_uid": "p", "organization_id": organizations.other}])
    assert theirs.json()["failed"][0]["code"] == "device_uid_taken"
    [entry] = (await admin.post(PATH, json=[own("p")])).json()["successful"]
    assert entry["device"]["version"] == 8


async def test_it_takes_the_scope_to_write(anyone, credentials, organizations):
    token = credentials.person("devices:read", organization_id=organizations.own)
    answer = await anyone.post(PATH, json=[], headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


class TestSizes:
    @pytest.fixture
    def settings(self, settings) -> Settings:
        return settings.model_copy(update={"max_batch_devices": 3, "max_batch_bytes": 2_000_000})

    async def test_more_devices_than_a_call_takes_are_refused_whole(self, admin, sql, own):
        answer = await admin.post(PATH, json=[own() for _ in range(4)])
        assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (413, "batch_too_large", 3)
        assert await counts(sql) == (0, 0, 0)
        assert (await admin.post(PATH, json=[own() for _ in range(3)])).status_code == 201

    async def test_a_batch_may_be_larger_than_other_bodies_up_to_its_own_limit(self, admin, own):
        for size, status in [(1_500_000, 201), (2_100_000, 413)]:
            body = json.dumps([own()]) + " " * size
            answer = await admin.post(PATH, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == status


async def test_ten_thousand_in_one_call(admin, sql, own):
    answer = await admin.post(PATH, json=[own(f"d-{number}", serial_number=f"S{number}") for number in range(10_000)])
    assert answer.status_code == 201
    assert len(answer.json()["successful"]) == 10_000
    assert await counts(sql) == (10_000, 10_000, 10_000)


async def test_one_that_is_taken_and_one_that_was_purged_among_a_thousand(admin, sql, own):
    """All at once cannot be stored then; what was to be told of them is told as it came to be."""
    for uid in ("d-17", "d-18"):
        await admin.post("/api/v2/devices", json={"device_uid": uid})
    await sql.execute("update devices set lifecycle = 'purged', version = 7 where device_uid = 'd-18'")
    await sql.execute("truncate outbox, audit_entries")
    answer = (await admin.post(PATH, json=[own(f"d-{number}") for number in range(1_000)])).json()
    assert [entry["device"]["device_uid"] for entry in answer["failed"]] == ["d-17"]
    answered = {entry["device"]["device_uid"]: entry["device"] for entry in answer["successful"]}
    rows = await sql.fetch("select device_uid, id, version from devices where device_uid <> 'd-17'")
    kept = {row["device_uid"]: (row["id"], row["version"]) for row in rows}
    assert {uid: (device["id"], device["version"]) for uid, device in answered.items()} == kept
    assert kept["d-18"][1] == 8
    told = [json.loads(row["payload"])["data"] for row in await sql.fetch("select payload from outbox")]
    assert {data["device_uid"]: (data["device_id"], data["version"]) for data in told} == kept
    entries = await sql.fetch("select subject_id, after from audit_entries")
    assert {json.loads(row["after"])["device_uid"]: int(row["subject_id"]) for row in entries} == {
        uid: id_ for uid, (id_, _) in kept.items()
    }


class TestDeviceLimit:
    @pytest.fixture(autouse=True)
    async def _three(self, sql, organizations):
        await sql.execute("update organizations set device_limit = 3 where id = $1", organizations.own)

    async def test_the_first_ones_are_registered_and_the_others_refused_one_by_one(self, admin, own):
        await admin.post("/api/v2/devices", json={"device_uid": "z"})
        answer = await admin.post(PATH, json=[own("z"), own("c"), own("b"), own("a")])
        assert [entry["device"]["device_uid"] for entry in answer.json()["successful"]] == ["c", "b"]
        assert [(entry["device"]["device_uid"], entry["code"]) for entry in answer.json()["failed"]] == [
            ("z", "device_uid_taken"),
            ("a", "device_limit_reached"),
        ]

    async def test_twenty_registrations_at_once_fill_it_and_no_more(self, admin, sql, own):
        singles = [admin.post("/api/v2/devices", json={}) for _ in range(10)]
        batches = [admin.post(PATH, json=[own(), own()]) for _ in range(10)]
        await asyncio.gather(*singles, *batches)
        assert await counts(sql) == (3, 3, 3)
