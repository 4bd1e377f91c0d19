"""The newest session of each device: whatever the order and the repetition, it never goes back, and watchers see it."""

import asyncio
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitoring.updates.consumers import UpdateConsumer
from monitoring.updates.service import UpdateService, UpdateTracker
from monitoring.updates.store import UpdateStore
from shared.contracts.envelope import UnreadableEvent

from ..worlds import envelope_of, update_state


@pytest.fixture
def tracker(database, shown):
    return UpdateTracker(UpdateStore(database), shown)


@pytest.fixture
def updates(database):
    return UpdateService(UpdateStore(database))


@hypothesis_settings(max_examples=20)
@given(
    batches=st.lists(
        st.lists(st.tuples(st.integers(9, 12), st.integers(1, 12)), min_size=1, max_size=4), min_size=1, max_size=4
    )
)
async def test_whatever_the_order_of_the_events_the_newest_session_stays(tracker, updates, shown, batches):
    uid = uuid4().hex
    for batch in batches:
        await tracker.follow([update_state(uid, counter=counter, version=version) for counter, version in batch])
    [kept] = await updates.among([uid])
    assert (kept.counter, kept.version) == max(order for batch in batches for order in batch)
    seen = [(item.counter, item.version) for item in shown.items[1] if item.device_uid == uid]
    assert seen == sorted(seen)


async def test_of_two_workers_that_meet_a_device_first_the_newer_session_stays(database, updates, shown):
    for number in range(20):
        uid = f"pump-{number}"
        await asyncio.gather(
            *(
                UpdateTracker(UpdateStore(database), shown).follow([update_state(uid, counter=counter)])
                for counter in (2, 1, 3)
            )
        )
        assert [item.counter for item in await updates.among([uid])] == [3]


async def test_everything_a_person_is_shown_is_kept(tracker, updates):
    await tracker.follow([update_state("pump-1", state="downloading", progress=42, version=3)])
    await tracker.follow([update_state("valve-1", state="failed", error="no space left", version=4)])
    await tracker.follow([update_state("tank-1", batch_id=7, release="spring", wave="wave:one")])
    [tank] = await updates.among(["tank-1"])
    assert (tank.batch_id, tank.release, tank.wave) == (7, "spring", "wave:one")
    found = {item.device_uid: item for item in await updates.among(["pump-1", "valve-1", "never-updated"])}
    assert found.keys() == {"pump-1", "valve-1"}
    assert (found["pump-1"].state, found["pump-1"].progress, found["pump-1"].error) == ("downloading", 42, None)
    assert (found["valve-1"].state, found["valve-1"].error) == ("failed", "no space left")
    assert (found["pump-1"].firmware_name, found["pump-1"].firmware_version) == ("pump-firmware", "2.0.0")
    assert found["pump-1"].updated_at == int(update_state("pump-1").updated_at.timestamp() * 1000)


async def test_each_organization_is_shown_its_own(tracker, shown):
    await tracker.follow([update_state("pump-1"), update_state("valve-1", organization_id=2)])
    assert {number: [item.device_uid for item in items] for number, items in shown.items.items()} == {
        1: ["pump-1"],
        2: ["valve-1"],
    }


async def test_a_batch_that_comes_again_shows_the_same(tracker, shown):
    consume = UpdateConsumer(tracker)
    batch = [envelope_of(update_state("pump-1", version=version)) for version in (2, 1)]
    for _ in range(2):
        await consume(batch)
    assert [item.version for item in shown.items[1]] == [2, 2]


async def test_an_event_without_the_shape_of_a_session_is_poison(tracker):
    envelope = envelope_of(update_state("pump-1")).model_copy(update={"data": {"device_uid": "pump-1"}})
    with pytest.raises(UnreadableEvent):
        await UpdateConsumer(tracker)([envelope])
