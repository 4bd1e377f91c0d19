"""The firmware version follows ota-service: the later update wins, in any order, any number of times."""

import asyncio
import json
from datetime import UTC, datetime
from itertools import permutations

import pytest

from shared.contracts.envelope import UnreadableEvent

AT = datetime(2026, 11, 21, tzinfo=UTC)


async def shown(client, uid="pump-1"):
    device = (await client.get(f"/api/v2/devices/{uid}")).json()
    return device["firmware_version"], device["version"]


async def changes(sql):
    rows = await sql.fetch("select payload from outbox where type = 'device.firmware_changed.v1' order by id")
    return [
        (data["device_uid"], data["firmware_version"], data["version"])
        for data in (json.loads(row["payload"])["data"] for row in rows)
    ]


async def test_what_is_flashed_is_shown_told_and_written_down(admin, pump, hear, told, sql):
    assert await shown(admin) == (None, 1)
    await hear([told(firmware="2.0", counter=5)])
    assert await shown(admin) == ("2.0", 2)
    assert await changes(sql) == [("pump-1", "2.0", 2)]
    [entry] = await sql.fetch("select * from audit_entries where action = 'firmware_changed'")
    assert (json.loads(entry["before"]), json.loads(entry["after"])) == (
        {"firmware_version": None},
        {"firmware_version": "2.0"},
    )
    assert entry["actor_kind"] == "system"


async def test_the_confirmation_and_repetitions_change_nothing_more(admin, pump, hear, told, sql):
    await hear([told(firmware="2.0", counter=5)])
    before = await sql.fetchval("select revision from devices")
    await hear([told(firmware="2.0", counter=5, state="completed"), told(firmware="2.0", counter=5)])
    assert await shown(admin) == ("2.0", 2)
    assert len(await changes(sql)) == 1
    assert await sql.fetchval("select revision from devices") == before


@pytest.mark.parametrize("order", list(permutations([(4, "1.0"), (5, "2.0"), (6, "1.0")])))
async def test_the_latest_update_wins_whatever_the_order(admin, pump, hear, told, order):
    for counter, firmware in order:
        await hear([told(firmware=firmware, counter=counter)])
    assert (await shown(admin))[0] == "1.0"


async def test_the_latest_of_a_batch_wins(admin, pump, hear, told, sql):
    await hear([told(firmware="3.0", counter=6), told(firmware="2.0", counter=5)])
    assert await changes(sql) == [("pump-1", "3.0", 2)]


async def test_the_same_version_again_is_no_change_but_counts(admin, pump, hear, told, sql):
    await hear([told(firmware="2.0", counter=4)])
    await hear([told(firmware="2.0", counter=6)])
    assert await shown(admin) == ("2.0", 2)
    await hear([told(firmware="1.0", counter=5)])
    assert await shown(admin) == ("2.0", 2)
    assert len(await changes(sql)) == 1


async def test_another_organizations_news_and_unknown_devices_change_nothing(
    admin, pump, hear, told, organizations, sql
):
    await hear(
        [
            told(firmware="6.6", counter=9, organization_id=organizations.other),
            told("nobody", firmware="6.6", counter=9),
        ]
    )
    assert await shown(admin) == (None, 1)
    assert await changes(sql) == []


async def test_two_workers_with_crossing_batches_do_not_block_each_other(admin, hear, told, sql):
    uids = [f"pump-{number}" for number in range(20)]
    for uid in uids:
        await admin.post("/api/v2/devices", json={"device_uid": uid})

    def batch(counter, order):
        return [told(uid, firmware=str(counter), counter=counter) for uid in order]

    async with asyncio.timeout(100):
        for counter in range(1, 10):
            await asyncio.gather(hear(batch(counter, uids)), hear(batch(counter, uids[::-1])))
    assert await sql.fetchval("select array_agg(distinct firmware_version || '/' || version) from devices") == ["9/10"]
    assert len(await changes(sql)) == 9 * len(uids)


async def test_an_event_without_the_shape_of_its_type_is_refused_for_good(hear, told):
    broken = told(firmware="2.0", counter=5).model_copy(update={"data": {"device_uid": "pump-1"}})
    with pytest.raises(UnreadableEvent):
        await hear([broken])
