"""Actions and configurations as they are kept: the newest state of each, whatever the order of their events."""

from datetime import timedelta

import pytest

from monitoring.actions.consumers import ActionConsumer
from monitoring.actions.service import ActionService, ActionTracker
from monitoring.actions.store import ActionStore

from ..worlds import NOON, action_state, configuration_state, envelope_of, whatever_the_order_the_newest_stays


@pytest.fixture
async def store(database):
    store = ActionStore(database)
    await store.prepare()
    return store


@pytest.fixture
def tracker(store, shown, clock):
    return ActionTracker(store, shown, clock=clock)


@pytest.fixture
def actions(store, clock):
    return ActionService(store, clock=clock)


@pytest.mark.parametrize("state_of", [action_state, configuration_state])
async def test_whatever_the_order_of_the_events_the_newest_state_stays(tracker, shown, state_of):
    await whatever_the_order_the_newest_stays(
        tracker, shown, lambda number, version: state_of(f"pump-{number}", number, version=version)
    )


async def test_a_device_has_its_open_actions_and_those_that_ended_within_the_hour(tracker, actions):
    lately, before = NOON - timedelta(minutes=50), NOON - timedelta(minutes=70)
    await tracker.follow(
        [
            action_state("pump-1", 1, state="running", updated_at=before),
            action_state("pump-1", 2, state="pending", updated_at=before),
            action_state("pump-1", 3, state="failed", error="no space left", completed_at=lately),
            action_state("pump-1", 4, state="completed", completed_at=before),
            action_state("valve-1", 5),
        ]
    )
    found = {item.action_id: item for item in await actions.among(["pump-1"])}
    assert found.keys() == {1, 2, 3}
    assert (found[3].state, found[3].error) == ("failed", "no space left")
    assert [item.action_id for item in await actions.among(["valve-1", "nobody"])] == [5]


async def test_an_action_whose_end_was_missed_is_not_open_for_ever(tracker, actions):
    await tracker.follow([action_state("a", 1, deadline=NOON - timedelta(minutes=61)), action_state("a", 2)])
    assert [item.action_id for item in await actions.among(["a"])] == [2]


async def test_how_a_configuration_stands_is_one_thing_a_device(tracker, actions):
    await tracker.follow([configuration_state("pump-1", version=2, drift=3), configuration_state("valve-1")])
    [pump] = await actions.configurations(["pump-1", "nobody"])
    assert (pump.version, pump.drift) == (2, 3)


async def test_each_organization_is_shown_its_own(tracker, shown):
    await tracker.follow([action_state("pump-1", 1), action_state("valve-1", 2, organization_id=2)])
    assert {number: [item.device_uid for item in items] for number, items in shown.items.items()} == {
        1: ["pump-1"],
        2: ["valve-1"],
    }


async def test_what_ended_long_ago_is_forgotten_and_what_is_open_is_not(tracker, database):
    week = NOON - timedelta(days=8)
    await tracker.follow([action_state("a", 1, updated_at=week), action_state("a", 2, completed_at=week)])
    await tracker.forget()
    assert [document["_id"] async for document in database["actions"].find()] == [1]


async def test_events_of_both_kinds_come_in_one_batch(tracker, shown):
    await ActionConsumer(tracker)([envelope_of(action_state("a", 1)), envelope_of(configuration_state("a"))])
    assert len(shown.items[1]) == 2
