"""Which devices are meant: by group, by query, by uid; for REST from the store, for the stream from memory."""

import json

import pytest

from monitoring.fleet.cache import ScopeCache
from monitoring.fleet.consumers import FleetConsumer
from monitoring.fleet.errors import GroupNotFound
from monitoring.fleet.models import Scope
from monitoring.fleet.service import ScopeMatcher
from monitoring.fleet.store import FleetStore
from shared.contracts.groups import GroupDeleted
from shared.rql.errors import BadQuery

from ..worlds import device_state, envelope_of, group_state

NORTH = 'eq(attributes/zone,"north")'


@pytest.fixture
async def plant(fleet, register):
    """Two pumps in the north, the first in group 7; one in the south; one of another organization."""
    await fleet.follow_groups([group_state(7), group_state(8, rql=NORTH), group_state(9, organization_id=2)])
    await register("pump-1", attributes={"zone": "north"}, group_ids=[7], tags=["wet"], name="One")
    await register("pump-2", attributes={"zone": "north", "big": 2**80, "a.b": {"$c": None}})
    await register("pump-3", attributes={"zone": "south"}, group_ids=[5], site_id=4)
    await register("theirs", attributes={"zone": "north"}, group_ids=[7], organization_id=2)
    return fleet


async def test_the_copy_keeps_what_people_say_of_a_device_whatever_it_is(plant):
    device = await plant.get(1, "pump-2")
    assert device.attributes == {"zone": "north", "big": 2**80, "a.b": {"$c": None}}
    assert (await plant.get(1, "pump-1")).tags == ("wet",)


async def test_members_are_those_of_the_fixed_group_or_those_that_its_query_finds(plant):
    assert await plant.members(1, 7) == ["pump-1"]
    assert await plant.members(1, 8) == ["pump-1", "pump-2"]
    for foreign_or_gone in (9, 10):
        with pytest.raises(GroupNotFound):
            await plant.members(1, foreign_or_gone)


@pytest.mark.parametrize(
    ("rql", "found"),
    [
        (NORTH, ["pump-1", "pump-2"]),
        ('eq(tags,"wet")', ["pump-1"]),
        ("eq(site_id,4)", ["pump-3"]),
        (f"gt(attributes/big,{2**79})", ["pump-2"]),
        ('and(eq(name,"One"),lt(registered_at,"2026-11-22T00:00:00Z"),ge(version,1),eq(id,1))', ["pump-1"]),
        ('like(device_uid,"pump-*")', ["pump-1", "pump-2", "pump-3"]),
    ],
)
async def test_a_query_finds_by_the_names_of_device_management(plant, rql, found):
    assert await plant.select(1, rql) == found


@pytest.mark.parametrize("rql", ["eq(colour,1)", 'eq(status,"idle")', "eq(name,", "eq(site_id,true)"])
async def test_a_query_that_cannot_be_asked_says_where(plant, rql):
    with pytest.raises(BadQuery) as refused:
        await plant.select(1, rql)
    assert refused.value.position >= 0


async def test_a_scope_by_uid_means_the_organizations_devices_alone(plant, register):
    await register("pump-3", lifecycle="purged", version=2)
    named = Scope(device_uids=frozenset({"pump-2", "pump-3", "theirs", "nobody"}))
    assert await plant.scope(1, named) == ["pump-2"]
    assert await plant.scope(1) == ["pump-1", "pump-2"]
    assert await plant.members(1, 7) == ["pump-1"]


async def test_a_group_that_was_deleted_is_gone_whatever_is_heard_of_it_later(plant, fleet):
    await fleet.follow_groups([group_state(7, version=3, kind=GroupDeleted), group_state(7, version=2)])
    await fleet.follow_groups([group_state(7, version=2)])
    with pytest.raises(GroupNotFound):
        await plant.members(1, 7)


async def test_groups_and_devices_come_over_one_queue(fleet):
    consume = FleetConsumer(fleet)
    await consume([envelope_of(group_state(3)), envelope_of(device_state("pump-9", group_ids=[3]))])
    assert await fleet.members(1, 3) == ["pump-9"]


async def test_a_copy_of_an_older_shape_is_whole_once_the_same_version_is_told_again(database, fleet):
    old = {"_id": "pump-1", "organization_id": 1, "lifecycle": "deployed", "min_token_generation": 1, "version": 4}
    await database["devices"].insert_one(old)
    assert (await fleet.get(1, "pump-1")).attributes == {}
    assert await fleet.select(1, NORTH) == []
    await fleet.follow([device_state("pump-1", version=4, attributes={"zone": "north"})])
    assert await fleet.select(1, NORTH) == ["pump-1"]


class Counted(FleetStore):
    def __init__(self, database):
        super().__init__(database)
        self.looks = 0

    async def find_all(self, uids):
        self.looks += 1
        return await super().find_all(uids)


async def test_the_stream_is_answered_from_memory_until_the_answer_is_old(database, plant, register):
    store, scopes = Counted(database), [Scope(group_id=7), Scope(rql=NORTH), Scope(group_id=8), Scope(group_id=10)]
    uids = ["pump-1", "pump-2", "pump-3", "theirs"]
    matcher = ScopeMatcher(store, ScopeCache())
    for _ in range(3):
        found = await matcher.matching(1, scopes, uids[:3])
        north = {"pump-1", "pump-2"}
        assert [found[scope] for scope in scopes] == [{"pump-1"}, north, north, set()]
    assert store.looks == 1
    assert await matcher.matches(1, Scope(rql=NORTH), uids) == north
    await register("pump-2", version=2, attributes={"zone": "south"})
    assert await matcher.matches(1, Scope(rql=NORTH), uids[:3]) == north
    forgetful = ScopeMatcher(store, ScopeCache(fresh_s=0))
    assert await forgetful.matches(1, Scope(rql=NORTH), uids[:3]) == {"pump-1"}


async def test_a_scope_that_cannot_be_asked_matches_nobody_on_the_stream(database, plant, fleet):
    await fleet.follow_groups([group_state(8, version=2, rql='eq(status,"idle")')])
    matcher = ScopeMatcher(FleetStore(database), ScopeCache())
    assert await matcher.matches(1, Scope(group_id=8), ["pump-1"]) == set()


async def test_what_is_remembered_is_bounded():
    cache = ScopeCache(remembered=10)
    for number in range(50):
        cache.put(f"pump-{number}", {Scope(): True})
    assert len(cache._devices) == 10
    assert cache.get("pump-49", [Scope()]) == {Scope(): True}
    assert cache.get("pump-49", [Scope(group_id=1)]) is None


async def test_answers_for_other_scopes_stay_beside_each_other():
    cache, others = ScopeCache(), Scope(group_id=1)
    cache.put("pump-1", {Scope(): True})
    cache.put("pump-1", {others: False})
    assert cache.get("pump-1", [Scope(), others]) == {Scope(): True, others: False}
    forgetful = ScopeCache(fresh_s=-1.0)
    forgetful.put("pump-1", {Scope(): True})
    forgetful.put("pump-1", {others: False})
    assert forgetful.get("pump-1", [others]) is None
    assert list(forgetful._devices["pump-1"]) == [others], "what is old is not kept"


async def test_attributes_are_kept_as_text_that_any_reader_understands(database, plant):
    document = await database["devices"].find_one({"_id": "pump-2"})
    assert json.loads(document["attributes"])["big"] == 2**80
