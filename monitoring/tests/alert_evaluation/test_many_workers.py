"""What holds with any number of workers, whatever is delivered twice and whoever dies in the middle."""

import asyncio

import pytest
from pymongo.errors import DuplicateKeyError

from monitoring.alert_evaluation.service import AT_ONCE
from shared.mongo.errors import StoreAway

HOT = {"kind": "threshold", "metric": "temperature", "above": 80}


async def test_of_workers_that_race_for_an_alert_one_opens_it_and_one_ends_it(plant, monkeypatch):
    """Each has decided before any of them writes."""
    await plant.rule(HOT)
    workers = [plant.worker(plant) for _ in range(4)]
    uids = ["pump-1", "pump-2", "pump-3"]
    together, settle = asyncio.Barrier(len(workers)), plant.conditions.settle

    async def settle_when_all_have_decided(decided):
        async with asyncio.timeout(90):
            await together.wait()
        await settle(decided)

    for value, state, events in ((99, "active", 3), (20, "cleared", 6)):
        await asyncio.gather(*(worker.send_all(uids, temperature=value) for worker in workers))
        with monkeypatch.context() as racing:
            racing.setattr(plant.conditions, "settle", settle_when_all_have_decided)
            await asyncio.gather(*(worker.judge.look() for worker in workers))
        assert await plant.states() == [state] * 3
        told = await plant.told()
        assert len(told) == len(set(told)) == events


async def test_the_store_holds_one_open_alert_for_a_rule_and_a_device(plant):
    rule = await plant.rule(HOT)
    await plant.send("pump-1", temperature=99)
    key = f"{rule.id}:pump-1"
    with pytest.raises(DuplicateKeyError):
        await plant.store.collection.insert_one({"_id": "another", "key": key})


async def test_a_batch_that_comes_again_opens_nothing_more(plant):
    await plant.rule(HOT)
    for _ in range(3):
        await plant.only.send("pump-1", ago=1, temperature=99)
        await plant.only.look()
    assert await plant.states() == ["active"]
    assert len(await plant.told()) == 1


async def test_what_another_worker_opened_unheard_is_ended_by_the_second_look(plant):
    """The other one takes the good sample in before it has heard of the alert, and so lets it pass."""
    await plant.rule(HOT)
    other = plant.worker(plant, fresh_s=1_000)
    await other.send("pump-2", temperature=20)
    await plant.only.send("pump-1", temperature=99)
    await plant.only.look()
    await other.send("pump-1", temperature=20)
    await other.look()
    assert await plant.states() == ["active"]
    await plant.advance(6)
    assert await plant.states() == ["cleared"]


async def test_what_another_worker_ended_unheard_begins_again_by_the_second_look(plant):
    """The other one takes the bad sample in while it still takes the alert for open, and so lets it pass."""
    await plant.rule(HOT)
    other = plant.worker(plant, fresh_s=1_000)
    await plant.send("pump-1", temperature=99)
    await other.send("pump-1", temperature=98)
    await plant.send("pump-1", temperature=20)
    assert await plant.states() == ["cleared"]
    await other.send("pump-1", temperature=97)
    await other.look()
    assert await plant.states() == ["cleared"]
    await plant.advance(6)
    assert await plant.states() == ["cleared", "active"]


async def test_a_sample_that_comes_between_look_and_decision_is_not_lost(plant, monkeypatch):
    await plant.rule(HOT)
    await plant.send("pump-1", temperature=99)
    settle = plant.conditions.settle

    async def settle_late(decided):
        monkeypatch.setattr(plant.conditions, "settle", settle)
        await plant.only.send("pump-1", temperature=98)
        await settle(decided)

    await plant.only.send("pump-1", temperature=20)
    monkeypatch.setattr(plant.conditions, "settle", settle_late)
    await plant.only.look()
    await plant.advance(6)
    assert (await plant.states())[-1] == "active"


@pytest.mark.parametrize("verb", ["mark", "settle"])
async def test_a_worker_that_dies_while_it_decides_leaves_the_rest_to_the_next(plant, monkeypatch, verb):
    await plant.rule(HOT)
    await plant.send("pump-1", temperature=99)
    await plant.only.send("pump-1", temperature=20)
    doing = getattr(plant.conditions, verb)

    async def die(*_):
        monkeypatch.setattr(plant.conditions, verb, doing)
        raise StoreAway("killed")

    monkeypatch.setattr(plant.conditions, verb, die)
    with pytest.raises(StoreAway):
        await plant.only.look()
    await plant.worker(plant).look()
    assert await plant.states() == ["cleared"]
    assert [kind for kind, _ in await plant.told()] == ["alert.opened.v1", "alert.cleared.v1"]


async def test_a_batch_is_not_done_with_before_its_marks_are_stored(plant, monkeypatch):
    await plant.rule(HOT)

    async def away(_):
        raise StoreAway("away")

    mark = plant.conditions.mark
    monkeypatch.setattr(plant.conditions, "mark", away)
    with pytest.raises(StoreAway):
        await plant.only.send("pump-1", ago=1, temperature=99)
    monkeypatch.setattr(plant.conditions, "mark", mark)
    await plant.only.send("pump-1", ago=1, temperature=99)
    await plant.only.look()
    assert await plant.states() == ["active"]


async def test_many_at_once_are_looked_at_in_portions(plant, register):
    uids = [f"valve-{number}" for number in range(AT_ONCE + 20)]
    await register(*uids)
    await plant.rule(HOT)
    await plant.only.send_all(uids, temperature=99)
    await plant.only.look()
    assert await plant.store.collection.count_documents({"state": "active"}) == len(uids)


async def test_samples_that_change_nothing_ask_the_store_nothing(plant, monkeypatch, register):
    uids = [f"valve-{number}" for number in range(200)]
    await register(*uids)
    for number in range(10):
        await plant.rule(HOT | {"above": 80 + number}, scope={"rql": 'like(device_uid,"valve-*")'}, swept=False)
    worker = plant.worker(plant, fresh_s=60)
    await worker.send_all(uids, temperature=20)
    asked = []
    monkeypatch.setattr(plant.conditions, "changed", lambda *_: asked.append("changed"))
    monkeypatch.setattr(plant.conditions, "mark", lambda *_: asked.append("mark"))
    await worker.send_all(uids, temperature=21)
    assert asked == []
