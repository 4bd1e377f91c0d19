"""The copy of the fleet: whatever the order and the repetition, it ends at the newest version and never goes back."""

import asyncio
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitoring.fleet.consumers import FleetConsumer
from monitoring.fleet.errors import DeviceNotFound, DeviceTokenRevoked
from monitoring.fleet.service import FleetService
from monitoring.fleet.store import FleetStore
from shared.contracts.envelope import UnreadableEvent

from ..worlds import device_state, envelope_of, group_state


@hypothesis_settings(max_examples=20)
@given(batches=st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=4))
async def test_whatever_the_order_of_the_events_the_copy_ends_at_the_newest(fleet, batches):
    uid = uuid4().hex
    for versions in batches:
        await fleet.follow([device_state(uid, version=version, lifecycle=f"at {version}") for version in versions])
    newest = max(version for versions in batches for version in versions)
    device = await fleet.get(1, uid)
    assert (device.version, device.lifecycle) == (newest, f"at {newest}")


async def test_of_two_workers_that_meet_a_device_first_the_newer_event_wins(database):
    for number in range(20):
        uid = f"pump-{number}"
        await asyncio.gather(
            *(FleetService(FleetStore(database)).follow([device_state(uid, version=version)]) for version in (2, 1, 3))
        )
        assert (await FleetService(FleetStore(database)).get(1, uid)).version == 3


async def test_what_is_heard_of_an_organizations_devices_or_groups_changes_its_revision(fleet, register):
    seen = [await fleet.revisions([1, 2])]
    for change in (register("pump-1"), register("pump-1", version=2), fleet.follow_groups([group_state(7)])):
        await change
        seen.append(await fleet.revisions([1, 2]))
    assert seen == [{1: number, 2: 0} for number in range(4)]
    assert await fleet.revisions([]) == {}


async def test_workers_that_meet_an_organization_first_side_by_side_all_change_its_revision(database):
    workers = [FleetService(FleetStore(database)) for _ in range(4)]
    await asyncio.gather(*(worker.follow([device_state(f"pump-{number}")]) for number, worker in enumerate(workers)))
    assert await workers[0].revisions([1]) == {1: 4}


async def test_another_organizations_device_is_not_found(fleet, register):
    await register("pump-1", organization_id=2)
    with pytest.raises(DeviceNotFound):
        await fleet.get(1, "pump-1")
    with pytest.raises(DeviceNotFound):
        await fleet.require_all(1, ["pump-1"])
    await fleet.require_all(2, ["pump-1", "pump-1"])


async def test_organizations_of_known_devices_are_told_and_remembered_within_bounds(database, register):
    await register(*(f"pump-{number}" for number in range(120)))
    await register("valve-1", organization_id=2)
    fleet = FleetService(FleetStore(database), remembered=10)
    uids = [f"pump-{number}" for number in range(120)]
    found = await fleet.organizations([*uids, "valve-1", "stranger"])
    assert found == dict.fromkeys(uids, 1) | {"valve-1": 2}
    assert await fleet.organizations([*uids, "valve-1", "stranger"]) == found
    assert len(fleet._organizations) <= 10


async def test_a_device_that_was_unknown_is_found_as_soon_as_the_copy_has_it(fleet, register):
    assert await fleet.organizations(["pump-1"]) == {}
    await register("pump-1")
    assert await fleet.organizations(["pump-1"]) == {"pump-1": 1}


async def test_pages_run_through_the_organization_in_order(fleet, register):
    await register(*(f"pump-{number:04}" for number in range(1_100)))
    await register("aaa", organization_id=2)
    pages = [page async for page in fleet.pages(1)]
    assert [len(page) for page in pages] == [500, 500, 100]
    assert [uid for page in pages for uid in page] == [f"pump-{number:04}" for number in range(1_100)]
    assert [page async for page in fleet.pages(1, after="pump-1098")] == [["pump-1099"]]
    assert await fleet.select(1, 'like(device_uid,"pump-*")') == [uid for page in pages for uid in page]


async def test_however_many_devices_there_are_their_pages_take_two_looks(database, fleet, register):
    class Watched(FleetStore):
        looks = 0

        async def uids(self, organization_id: int, *, after: str, limit: int | None = None) -> list[str]:
            self.looks += 1
            return await super().uids(organization_id, after=after, limit=limit)

    await register(*(f"pump-{number:04}" for number in range(1_600)))
    store = Watched(database)
    assert [len(page) async for page in FleetService(store).pages(1)] == [500, 500, 500, 100]
    assert store.looks == 2


async def test_of_a_purged_device_only_what_keeps_it_from_reviving_is_left(fleet, register):
    await register("pump-1", "pump-2")
    await register("pump-1", lifecycle="purged", version=2, min_token_generation=2)
    await register("pump-1", lifecycle="deployed", version=1)
    with pytest.raises(DeviceNotFound):
        await fleet.get(1, "pump-1")
    with pytest.raises(DeviceNotFound):
        await fleet.require_all(1, ["pump-1", "pump-2"])
    await fleet.require_all(1, ["pump-2"])
    assert [page async for page in fleet.pages(1)] == [["pump-2"]]
    with pytest.raises(DeviceTokenRevoked):
        await fleet.admit("pump-1", 1)
    await register("pump-1", lifecycle="in_stock", version=3, min_token_generation=2)
    assert (await fleet.get(1, "pump-1")).lifecycle == "in_stock"


async def test_a_token_of_an_older_generation_is_refused(fleet, register):
    await register("pump-1", min_token_generation=2, version=2)
    with pytest.raises(DeviceTokenRevoked):
        await fleet.admit("pump-1", 1)
    with pytest.raises(DeviceTokenRevoked):
        await fleet.admit("pump-1", None)
    await fleet.admit("pump-1", 2)
    await fleet.admit("not-known-yet", 1)


async def test_newcomers_are_told_of_again_when_an_event_comes_again(database):
    class Told:
        def __init__(self):
            self.uids = []

        async def attribute(self, uids):
            self.uids += uids

    told = Told()
    consume = FleetConsumer(FleetService(FleetStore(database), newcomers=told))
    for _ in range(2):
        await consume([envelope_of(device_state("pump-1"))])
    assert told.uids == ["pump-1", "pump-1"]


async def test_an_event_without_the_shape_of_a_device_is_poison(fleet):
    envelope = envelope_of(device_state("pump-1")).model_copy(update={"data": {"device_uid": 7}})
    with pytest.raises(UnreadableEvent):
        await FleetConsumer(fleet)([envelope])
