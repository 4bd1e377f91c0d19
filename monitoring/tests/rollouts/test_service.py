"""Releases, batches and jobs as they are kept: the newest state of each, whatever the order of their events."""

import asyncio
from datetime import timedelta

import pytest

from monitoring.rollouts.consumers import RolloutConsumer
from monitoring.rollouts.service import RolloutService, RolloutTracker
from monitoring.rollouts.store import RolloutStore
from shared.contracts.envelope import UnreadableEvent
from shared.contracts.live import instant

from ..worlds import NOON, batch_state, envelope_of, job_state, release_state, whatever_the_order_the_newest_stays


@pytest.fixture
async def store(database):
    store = RolloutStore(database)
    await store.prepare()
    return store


@pytest.fixture
def tracker(store, shown, clock):
    return RolloutTracker(store, shown, clock=clock)


@pytest.fixture
def rollouts(store, clock):
    return RolloutService(store, clock=clock)


@pytest.mark.parametrize("state_of", [release_state, batch_state, job_state])
async def test_whatever_the_order_of_the_events_the_newest_state_stays(tracker, shown, state_of):
    await whatever_the_order_the_newest_stays(tracker, shown, lambda number, version: state_of(number, version=version))


async def test_of_two_workers_that_meet_a_release_first_the_newer_state_stays(store, shown, rollouts, clock):
    for number in range(1, 11):
        trackers = [RolloutTracker(store, shown, clock=clock) for _ in range(3)]
        states = [release_state(number, version=version) for version in (2, 1, 3)]
        await asyncio.gather(*(one.follow([state]) for one, state in zip(trackers, states, strict=True)))
    assert {item.version for item in await rollouts.releases(1)} == {3}


async def test_what_is_open_or_ended_within_a_day_is_shown_to_its_organization_alone(tracker, rollouts):
    yesterday, before = NOON - timedelta(hours=20), NOON - timedelta(hours=30)
    for state_of, read in (
        (release_state, rollouts.releases),
        (batch_state, rollouts.batches),
        (job_state, rollouts.configuration_jobs),
    ):
        await tracker.follow(
            [
                state_of(1, updated_at=before),
                state_of(2, state="completed", ended_at=yesterday, updated_at=yesterday),
                state_of(3, state="completed", ended_at=before, updated_at=before),
                state_of(4, organization_id=2),
            ]
        )
        found = await read(1)
        assert [item.version for item in found] == [1, 1]
        assert [item.ended_at for item in found] == [instant(yesterday), None]
        assert len(await read(2)) == 1
        assert await read(3) == []


async def test_a_batch_that_goes_on_again_is_open_again(tracker, rollouts):
    await tracker.follow([batch_state(1, version=5, state="completed", ended_at=NOON - timedelta(days=3))])
    assert await rollouts.batches(1) == []
    await tracker.follow([batch_state(1, version=6, state="in_progress")])
    assert [item.state for item in await rollouts.batches(1)] == ["in_progress"]


async def test_everything_a_person_is_shown_is_kept(tracker, rollouts):
    await tracker.follow([release_state(7, state="paused", reason="failure_threshold"), batch_state(8, failed=3)])
    [release] = await rollouts.releases(1)
    assert (release.slug, release.state, release.reason) == ("release-7", "paused", "failure_threshold")
    assert [(wave.wave_id, wave.succeeded) for wave in release.waves] == [("wave:one", 4)]
    [batch] = await rollouts.batches(1)
    assert (batch.release_ref, batch.total, batch.failed) == ("release:7", 13, 3)


async def test_what_ended_long_ago_is_forgotten_and_what_is_open_is_not(tracker, store, rollouts, clock, database):
    month = NOON - timedelta(days=31)
    await tracker.follow([release_state(1, updated_at=month), release_state(2, state="failed", ended_at=month)])
    await tracker.forget()
    assert await database["releases"].count_documents({}) == 1
    assert [item.release_id for item in await rollouts.releases(1)] == [1]


async def test_events_of_all_kinds_come_in_one_batch_and_one_without_the_shape_is_poison(tracker, shown):
    consume = RolloutConsumer(tracker)
    envelopes = [envelope_of(state) for state in (release_state(1), batch_state(1), job_state(1))]
    await consume(envelopes)
    assert len(shown.items[1]) == 3
    with pytest.raises(UnreadableEvent):
        await consume([envelopes[0].model_copy(update={"data": {"release_id": 1}})])
