"""What devices say of themselves: taken over, told, and no match for a later update."""

import asyncio
import json

import pytest


async def read(client, uid="pump-1"):
    return (await client.get(f"/api/v2/devices/{uid}")).json()


async def versions(client, uid="pump-1"):
    """What it is taken to run, and what it says that it runs."""
    device = await read(client, uid)
    return device["firmware_version"], device["reported_firmware_version"]


async def events(sql):
    rows = await sql.fetch("select payload from outbox where type <> 'device.registered.v1' order by id")
    return [(event["type"], event["data"]) for event in (json.loads(row["payload"]) for row in rows)]


async def test_what_a_device_says_is_shown_told_and_written_down(admin, pump, say, sql):
    await say(("pump-1", {"firmware_version": "1.0", "attributes": {"ip": "10.0.0.7"}}))
    device = await read(admin)
    assert (device["firmware_version"], device["reported_firmware_version"]) == ("1.0", "1.0")
    assert (device["reported_attributes"], device["attributes"], device["version"]) == ({"ip": "10.0.0.7"}, {}, 2)
    assert device["reported_at"]
    [(kind, data)] = await events(sql)
    assert (kind, data["version"]) == ("device.firmware_changed.v1", 2)
    assert data["firmware_version"] == data["reported_firmware_version"] == "1.0"
    assert data["reported_attributes"] == {"ip": "10.0.0.7"}
    [entry] = await sql.fetch("select * from audit_entries where action = 'firmware_changed'")
    assert (entry["actor_kind"], json.loads(entry["after"])) == ("device", {"firmware_version": "1.0"})


async def test_the_same_again_changes_nothing_but_the_time(admin, pump, say, sql):
    report = {"firmware_version": "1.0", "attributes": {"a": [1, {"b": None}]}}
    await say(("pump-1", report))
    first = await read(admin)
    await say(("pump-1", report), ("pump-1", report))
    again = await read(admin)
    assert again.pop("reported_at") > first.pop("reported_at")
    assert again == first
    assert len(await events(sql)) == 1


async def test_what_people_set_stays_beside_what_the_device_says(admin, pump, say, sql):
    await admin.patch("/api/v2/devices/pump-1", json={"attributes": {"site": "north"}})
    await say(("pump-1", {"attributes": {"site": "south", "ip": "10.0.0.7"}}))
    await say(("pump-1", {"attributes": {"site": "south"}}))
    device = await read(admin)
    assert (device["attributes"], device["reported_attributes"]) == ({"site": "north"}, {"site": "south"})
    assert [kind for kind, _ in await events(sql)] == ["device.changed.v1"] * 3
    found = await admin.get("/api/v2/devices", params={"rql": 'eq(reported_attributes/site,"south")'})
    assert [item["device_uid"] for item in found.json()["items"]] == ["pump-1"]


async def test_of_one_batch_the_last_of_each_member_counts(admin, pump, say, sql):
    await say(
        ("pump-1", {"firmware_version": "1.0"}),
        ("pump-1", {"attributes": {"a": 1}}),
        ("pump-1", {"firmware_version": "2.0"}),
        ("pump-1", {"configuration": {"mode": "fast"}}),
    )
    device = await read(admin)
    assert (device["firmware_version"], device["reported_attributes"], device["version"]) == ("2.0", {"a": 1}, 2)
    assert (await read(admin, "pump-1/configuration"))["reported"] == {"mode": "fast"}


class TestBesideUpdates:
    async def test_a_late_word_of_the_version_before_undoes_nothing(self, admin, pump, say, hear, told):
        await say(("pump-1", {"firmware_version": "1.0"}))
        await hear([told(firmware="2.0", counter=5)])
        await say(("pump-1", {"firmware_version": "1.0"}))
        assert await versions(admin) == ("2.0", "1.0")
        await say(("pump-1", {"firmware_version": "0.9"}))
        assert await versions(admin) == ("2.0", "0.9")

    async def test_from_the_new_version_on_its_word_counts_again(self, admin, pump, say, hear, told, sql):
        await hear([told(firmware="2.0", counter=5)])
        await say(("pump-1", {"firmware_version": "2.0"}))
        assert await versions(admin) == ("2.0", "2.0")
        await say(("pump-1", {"firmware_version": "1.0"}))
        assert await versions(admin) == ("1.0", "1.0")
        assert [kind for kind, _ in await events(sql)] == [
            "device.firmware_changed.v1",
            "device.changed.v1",
            "device.firmware_changed.v1",
        ]

    async def test_a_device_that_falls_back_within_one_batch_is_believed(self, admin, pump, say, hear, told):
        await hear([told(firmware="2.0", counter=5)])
        await say(("pump-1", {"firmware_version": "2.0"}), ("pump-1", {"firmware_version": "1.0"}))
        assert await versions(admin) == ("1.0", "1.0")

    async def test_a_word_quicker_than_the_news_of_the_update_confirms_it(self, admin, pump, say, hear, told):
        await say(("pump-1", {"firmware_version": "2.0"}))
        await hear([told(firmware="2.0", counter=5)])
        await say(("pump-1", {"firmware_version": "1.0"}))
        assert await versions(admin) == ("1.0", "1.0")

    @pytest.mark.parametrize("end", ["failed", "cancelled", "timed_out"])
    async def test_when_the_update_fails_after_all_its_own_word_stays(self, admin, pump, say, hear, told, end):
        await say(("pump-1", {"firmware_version": "1.0"}))
        await hear([told(firmware="2.0", counter=5)])
        assert await versions(admin) == ("2.0", "1.0")
        await hear([told(firmware="2.0", counter=5, state=end)])
        assert await versions(admin) == ("1.0", "1.0")

    async def test_flashed_and_failed_in_one_batch(self, admin, pump, say, hear, told):
        await say(("pump-1", {"firmware_version": "1.0"}))
        await hear([told(firmware="2.0", counter=5, state="failed"), told(firmware="2.0", counter=5)])
        assert await versions(admin) == ("1.0", "1.0")

    async def test_the_failure_of_another_update_changes_nothing(self, admin, pump, say, hear, told, organizations):
        await say(("pump-1", {"firmware_version": "1.0"}))
        await hear([told(firmware="2.0", counter=5)])
        await hear([told(firmware="1.5", counter=4, state="failed"), told(firmware="3.0", counter=6, state="failed")])
        await hear([told(firmware="2.0", counter=5, state="failed", organization_id=organizations.other)])
        assert await versions(admin) == ("2.0", "1.0")

    async def test_a_failure_says_nothing_of_a_device_that_never_spoke(self, admin, pump, say, hear, told):
        await hear([told(firmware="2.0", counter=5)])
        await hear([told(firmware="2.0", counter=5, state="failed")])
        assert await versions(admin) == ("2.0", None)
        await say(("pump-1", {"firmware_version": "1.0"}))
        assert await versions(admin) == ("1.0", "1.0")

    async def test_a_device_registered_anew_is_believed_at_once(self, admin, pump, say, hear, told, credentials):
        await hear([told(firmware="2.0", counter=5)])
        await say(("pump-1", {"attributes": {"ip": "10.0.0.7"}}))
        token = credentials.person("devices:write", "platform:admin", organization_id=pump["organization_id"])
        headers = {"Authorization": f"Bearer {token}"}
        assert (await admin.delete("/api/v2/devices/pump-1?purge=true", headers=headers)).status_code == 204
        await say(("pump-1", {"firmware_version": "9.9"}))
        device = (await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})).json()
        assert (device["reported_firmware_version"], device["reported_attributes"]) == (None, {})
        assert await read(admin) == device
        await say(("pump-1", {"firmware_version": "1.0"}))
        assert await versions(admin) == ("1.0", "1.0")


@pytest.mark.parametrize(
    "poison",
    [
        b"{",
        b"[]",
        {"firmware_version": ""},
        {"firmware_version": "x" * 65},
        {"firmware_version": 1},
        {"firmware_version": "1\0"},
        {"attributes": []},
        {"attributes": {"a": "x" * 20_000}},
        {"attributes": {"a\0": 1}},
        b'{"attributes": ' + b'{"a":' * 9 + b"1" + b"}" * 9 + b"}",
        b'{"attributes": {"a": 1e400}}',
        b'{"attributes": {"a": ' + b"9" * 5_000 + b"}}",
        b'{"attributes": {"a": "\\ud800"}}',
    ],
    ids=range(13),
)
async def test_poison_is_refused_alone(admin, pump, say, poison):
    good = {"firmware_version": "1.0", "members": "unknown"}
    assert await say(("nobody", good), ("pump-1", poison), ("pump-1", good)) == [1]
    device = await read(admin)
    assert (device["firmware_version"], device["reported_attributes"]) == ("1.0", {})


async def test_a_device_that_is_over_is_passed_over(admin, pump, say, sql):
    await admin.delete("/api/v2/devices/pump-1")
    before = await read(admin)
    await say(("pump-1", {"firmware_version": "1.0"}))
    assert await read(admin) == before


async def test_a_thousand_reports_in_one_batch_have_their_events(pump, clones, say, sql, organizations):
    await clones("many-", 1000, organization_id=organizations.own)
    await sql.execute("truncate outbox")
    await say(*((f"many-{n}", {"firmware_version": "2.0", "attributes": {"n": n}}) for n in range(1, 1001)))
    assert await sql.fetchval("select count(*) from outbox where type = 'device.firmware_changed.v1'") == 1000
    assert await sql.fetchval("select count(*) from devices where reported_attributes ->> 'n' is not null") == 1000


async def test_two_workers_with_crossing_batches_do_not_block_each_other(admin, say, hear, told, sql):
    uids = [f"pump-{number}" for number in range(20)]
    for uid in uids:
        await admin.post("/api/v2/devices", json={"device_uid": uid})
    async with asyncio.timeout(100):
        for turn in range(1, 8):
            await asyncio.gather(
                say(*((uid, {"firmware_version": f"{turn}a"}) for uid in uids)),
                say(*((uid, {"firmware_version": f"{turn}b"}) for uid in reversed(uids))),
                hear([told(uid, firmware=f"{turn}c", counter=turn) for uid in uids]),
            )
    assert len(await events(sql)) == await sql.fetchval("select sum(version - 1) from devices")
