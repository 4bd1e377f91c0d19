"""The copy of the fleet: whatever the order and the repetition, it ends at the newest version and never goes back."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ota_service.fleet.consumers import FleetConsumer
from shared.contracts.envelope import Envelope, UnreadableEvent
from shared.testing.databases import empty

AT = datetime(2026, 11, 21, tzinfo=UTC)


def state(uid, version, *, organization_id=1, kind="device.registered.v1", device_id=1):
    return Envelope(
        id=uuid4(),
        source="/device-management",
        type=kind,
        subject=f"device/{uid}",
        time=AT,
        organizationid=organization_id,
        data={
            "organization_id": organization_id,
            "version": version,
            "device_id": device_id,
            "device_uid": uid,
            "name": f"as of {version}",
            "lifecycle": "in_stock",
            "min_token_generation": 1,
            "registered_at": AT,
            "updated_at": AT,
        },
    )


@pytest.fixture
def hear(app):
    return FleetConsumer(app.state.scopes)


async def name_of(client, uid):
    answer = await client.get(f"/api/v2/fleet/{uid}")
    return answer.json()["name"] if answer.status_code == 200 else answer.json()["code"]


async def test_one_follower_that_fails_holds_up_neither_the_copy_nor_the_others(app, client):
    heard = []

    async def fails(organization_id, uids):
        raise KeyError("a defect")

    async def follows(organization_id, uids):
        heard.append((organization_id, uids))

    hear = FleetConsumer(app.state.scopes, fails, follows)
    await hear([state("pump-1", 1), state("pump-2", 1, device_id=2), state("valve-1", 1, organization_id=2)])
    assert heard == [(1, ["pump-1", "pump-2"]), (2, ["valve-1"])]
    assert await name_of(client, "pump-1") == "as of 1"


async def test_a_registered_device_is_in_the_copy(client, hear):
    await hear([state("pump-1", 1)])
    answer = await client.get("/api/v2/fleet/pump-1")
    assert answer.status_code == 200
    assert (answer.json()["device_id"], answer.json()["version"]) == (1, 1)


async def test_what_a_copy_of_an_older_shape_lacks_comes_with_the_same_version_again(client, hear, sql):
    news = state("pump-1", 1)
    await hear([news])
    await sql.execute("update fleet_devices set name = null")
    await hear([news])
    assert await name_of(client, "pump-1") == "as of 1"


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=5))
@hypothesis_settings(max_examples=25)
async def test_the_copy_ends_at_the_newest_version_whatever_the_order(client, hear, sql, batches):
    await empty(sql)
    for batch in batches:
        await hear([state("pump-1", version) for version in batch])
    assert await name_of(client, "pump-1") == f"as of {max(max(batch) for batch in batches)}"


async def test_two_workers_with_crossing_batches_do_not_block_each_other(client, hear):
    uids = [f"pump-{number}" for number in range(50)]

    def batch(version, order):
        return [state(uid, version, device_id=int(uid[5:]) + 1) for uid in order]

    async with asyncio.timeout(100):
        for version in range(1, 10):
            await asyncio.gather(hear(batch(version, uids)), hear(batch(version, reversed(uids))))
    assert await name_of(client, "pump-49") == "as of 9"


async def test_another_organizations_device_answers_as_one_that_does_not_exist(client, hear):
    await hear([state("pump-1", 1, organization_id=2)])
    assert await name_of(client, "pump-1") == await name_of(client, "nobody") == "device_not_found"


async def test_an_event_without_the_shape_of_its_type_is_refused_for_good(hear):
    broken = state("pump-1", 1).model_copy(update={"data": {"device_uid": "pump-1"}})
    with pytest.raises(UnreadableEvent):
        await hear([broken])
