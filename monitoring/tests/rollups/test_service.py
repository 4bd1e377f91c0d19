"""Rollups are what the samples come to, whatever came late, twice or side by side, and whoever died on the way."""

import asyncio
from collections import defaultdict
from datetime import timedelta
from itertools import pairwise
from unittest.mock import Mock

import msgspec
import pytest

from monitoring.rollups import service, store
from monitoring.rollups.models import DAY, HOUR, MINUTE, Account
from monitoring.rollups.service import MarkKeeper, Roller
from monitoring.rollups.store import RollupStore
from shared.mongo.errors import StoreAway

from ..worlds import NOON, sample

SECOND = timedelta(seconds=1)
TODAY = NOON.date()


@pytest.fixture
def read(rollups):
    """Beginning, count, mean and greatest of each bucket of a metric."""

    async def read(unit, uid="pump-1", metric="temperature"):
        found = rollups.summaries(unit, [uid], NOON - 2 * DAY, NOON + DAY, metrics={metric})
        return [(at - NOON, one[metric].count, one[metric].mean, one[metric].greatest) async for _, at, one in found]

    return read


@pytest.fixture
def account_of(rollups):
    async def account_of(uid, days=(TODAY,)):
        return (await rollups.accounts([uid], days)).get(uid, Account())

    return account_of


async def test_samples_are_rolled_up_by_minute_and_hour(record, settle, read, rollups):
    seconds = [-3_700, -3_601, 0, 1, 59, 60, 3_599]
    await record("pump-1", *(sample(NOON + s * SECOND, n, temperature=float(s)) for n, s in enumerate(seconds)))
    await settle()
    assert await read(MINUTE) == [
        (-62 * MINUTE, 1, -3_700.0, -3_700.0),
        (-61 * MINUTE, 1, -3_601.0, -3_601.0),
        (0 * MINUTE, 3, 20.0, 59.0),
        (MINUTE, 1, 60.0, 60.0),
        (59 * MINUTE, 1, 3_599.0, 3_599.0),
    ]
    assert await read(HOUR) == [(-2 * HOUR, 2, -3_650.5, -3_601.0), (0 * HOUR, 5, 743.8, 3_599.0)]
    [hour] = [one async for _, at, one in rollups.rollups(HOUR, ["pump-1"], NOON, NOON + HOUR, metrics=None)]
    assert hour["temperature"].quantile(0.5) == pytest.approx(59, rel=0.01)


async def test_a_late_sample_is_rolled_up_into_its_own_time(record, settle, read):
    await record("pump-1", sample(NOON, 1, temperature=1.0))
    await settle()
    await record("pump-1", sample(NOON - DAY, 0, temperature=5.0), sample(NOON + SECOND, 2, temperature=3.0))
    await settle()
    assert await read(MINUTE) == [(-DAY, 1, 5.0, 5.0), (0 * DAY, 2, 2.0, 3.0)]
    assert await read(HOUR) == [(-DAY, 1, 5.0, 5.0), (0 * DAY, 2, 2.0, 3.0)]


async def test_who_dies_between_the_samples_and_their_news_is_made_good_by_the_redelivery(
    record, new_telemetry, settle, read, account_of, monkeypatch
):
    dying = await new_telemetry()
    add_news = dying._store.add_news

    async def die_after_the_samples(latest, touched=()):
        if touched:
            raise StoreAway("gone")
        await add_news(latest)

    monkeypatch.setattr(dying._store, "add_news", die_after_the_samples)
    samples = [sample(NOON, 1, temperature=1.0), sample(None, temperature=2.0), sample(NOON - 60 * DAY, 0)]
    with pytest.raises(StoreAway):
        await record("pump-1", *samples, by=dying)
    await settle()
    assert await read(MINUTE) == []
    await record("pump-1", *samples)
    await settle()
    assert await read(MINUTE) == [(0 * DAY, 1, 1.0, 1.0)]
    assert await account_of("pump-1") == Account(messages=1, received=3, stored=2, undated=1, expired=1)


async def test_what_was_folded_or_rolled_up_by_half_is_done_again_and_counted_once(
    record, telemetry, roller, rollup_store, settle, read, account_of, monkeypatch
):
    await record("pump-1", sample(NOON, 1, temperature=1.0))

    async def dies_at(part, name, call):
        async def die(*_):
            raise StoreAway("gone")

        with monkeypatch.context() as patched:
            patched.setattr(part, name, die)
            with pytest.raises(StoreAway):
                await call()

    await dies_at(telemetry._store, "fold", telemetry.fold_news)
    await telemetry.fold_news()
    for name in ("delete_marks", "put_days", "put_minutes"):
        await dies_at(rollup_store, name, roller.roll)
    await record("pump-1", sample(NOON, 1, temperature=1.0), sample(NOON, 2, temperature=3.0))
    await settle()
    assert await read(HOUR) == [(0 * DAY, 2, 2.0, 3.0)]
    assert await account_of("pump-1") == Account(messages=2, received=3, stored=2, duplicate=1)


async def test_a_slow_worker_does_not_write_over_one_that_has_seen_more(
    record, telemetry, database, clock, settle, read, monkeypatch
):
    await record("pump-1", sample(NOON, 1, temperature=1.0))
    await telemetry.fold_news()
    slow_store, has_read, may_write = RollupStore(database), asyncio.Event(), asyncio.Event()
    put_minutes = slow_store.put_minutes

    async def put_minutes_late(minutes):
        has_read.set()
        await may_write.wait()
        await put_minutes(minutes)

    monkeypatch.setattr(slow_store, "put_minutes", put_minutes_late)
    slow = Roller(slow_store, telemetry, clock=clock, minute_days=1, hour_days=1)
    slowly = asyncio.create_task(slow.roll())
    await has_read.wait()
    await record("pump-1", sample(NOON + SECOND, 2, temperature=3.0))
    await settle()
    may_write.set()
    await slowly
    assert await read(MINUTE) == await read(HOUR) == [(0 * DAY, 2, 2.0, 3.0)]


@pytest.fixture
def reads(telemetry, monkeypatch):
    """The devices of which samples were read from the store."""
    found, samples = [], telemetry.samples

    def reading(uid, *range_, **settings):
        found.append(uid)
        return samples(uid, *range_, **settings)

    monkeypatch.setattr(telemetry, "samples", reading)
    return found


async def test_a_minute_is_made_of_what_batches_tell_and_read_only_when_it_is_there(
    record, new_telemetry, settle, read, reads
):
    other = await new_telemetry()
    await record("pump-1", sample(NOON, 1, temperature=1.0, text="a"), sample(NOON + MINUTE, 4, temperature=9.0))
    await record("pump-1", sample(NOON + 2 * SECOND, 3, temperature=2.0, on=True), by=other)
    await settle()
    assert reads == []
    assert await read(MINUTE) == [(0 * DAY, 2, 1.5, 2.0), (MINUTE, 1, 9.0, 9.0)]
    await record("pump-1", sample(NOON + SECOND, 2, temperature=6.0), by=other)
    await settle()
    assert reads == ["pump-1"]
    assert await read(MINUTE) == [(0 * DAY, 3, 3.0, 6.0), (MINUTE, 1, 9.0, 9.0)]
    assert await read(HOUR) == [(0 * DAY, 4, 4.5, 9.0)]


async def test_of_a_minute_that_comes_again_only_the_store_says_what_it_holds(record, settle, read, reads):
    await record("pump-1", sample(NOON, 1, temperature=1.0))
    await record("pump-1", sample(NOON, 1, temperature=5.0), sample(NOON + SECOND, 2, temperature=2.0))
    await settle()
    assert reads == ["pump-1"]
    assert await read(MINUTE) == [(0 * DAY, 2, 1.5, 2.0)]


async def test_of_two_that_make_the_same_minute_the_second_reads_it(
    record, telemetry, database, clock, settle, read, monkeypatch
):
    await record("pump-1", sample(NOON, 1, temperature=1.0), sample(NOON + SECOND, 2, temperature=2.0))
    await telemetry.fold_news()
    slow_store, has_read, may_write = RollupStore(database), asyncio.Event(), asyncio.Event()
    create_minutes = slow_store.create_minutes

    async def create_minutes_late(minutes):
        has_read.set()
        await may_write.wait()
        return await create_minutes(minutes)

    monkeypatch.setattr(slow_store, "create_minutes", create_minutes_late)
    slowly = asyncio.create_task(Roller(slow_store, telemetry, clock=clock, minute_days=1, hour_days=1).roll())
    await has_read.wait()
    # What the slow one has taken, nobody else takes.
    await database["rollup_marks"].delete_many({})
    await record("pump-1", sample(NOON + 2 * SECOND, 3, temperature=6.0))
    await settle()
    may_write.set()
    await slowly
    assert await read(MINUTE) == await read(HOUR) == [(0 * DAY, 3, 3.0, 6.0)]


async def test_what_an_older_release_left_behind_is_rolled_up(record, telemetry, database, settle, read, account_of):
    await record("pump-1", sample(NOON, 1, temperature=1.0), sample(NOON + MINUTE, 2, temperature=2.0))
    await database["latest_news"].delete_many({})
    minute = int(NOON.timestamp()) // 60
    told = {"device_uid": "pump-1", "recount": [], "counts": {"x": {minute // 1440: {"received": 2}}}}
    marks = [{**told, "minutes": [minute]}]
    await database["rollup_marks"].insert_one({"marks": msgspec.msgpack.encode(marks)})
    news = [{**told, "minutes": [minute + 1], "process": "x", "counts": told["counts"]["x"], "metrics": {}}]
    await database["latest_news"].insert_one({"readings": msgspec.msgpack.encode(news)})
    await settle()
    assert await read(MINUTE) == [(0 * DAY, 1, 1.0, 1.0), (MINUTE, 1, 2.0, 2.0)]
    assert await account_of("pump-1") == Account(received=2, stored=2)


async def test_a_minute_waits_until_it_is_over(record, telemetry, rollup_store, clock, settle, read, account_of):
    telemetry._follower = MarkKeeper(rollup_store, clock=clock, pace=MINUTE)
    await record("pump-1", sample(NOON, 1, temperature=1.0))
    await settle()
    clock.advance(MINUTE)
    await record("pump-1", sample(NOON + 59 * SECOND, 2, temperature=2.0))
    await settle()
    assert await read(MINUTE) == []
    assert await account_of("pump-1") == Account()
    clock.advance(MINUTE / 4)
    await settle()
    assert await read(MINUTE) == [(0 * DAY, 2, 1.5, 2.0)]
    assert await account_of("pump-1") == Account(messages=2, received=2, stored=2)


async def test_rolling_up_again_after_the_raw_day_was_dropped_takes_nothing_away(
    record, settle, read, database, account_of
):
    samples = [sample(NOON + n * SECOND, n, temperature=float(n)) for n in range(3)]
    await record("pump-1", *samples)
    await settle()
    await database.drop_collection("samples_standard_20261121")
    await record("pump-1", samples[1])
    await settle()
    assert await read(MINUTE) == await read(HOUR) == [(0 * DAY, 3, 1.0, 2.0)]
    assert (await account_of("pump-1")).stored == 3


async def test_accounts_add_up_over_duplicates_expired_undated_and_dead(
    record, telemetry, clock, settle, account_of, new_telemetry
):
    seqs = [sample(NOON + n * SECOND, n, boot="b1") for n in (0, 1, 4)]
    await record("pump-1", *seqs)
    await record("pump-1", *seqs[:2], sample(NOON + 9 * SECOND, 9, boot="b2"), by=await new_telemetry())
    await record("pump-1", sample(NOON - 40 * DAY, 1), sample(None, on=True), sample(NOON + 9 * DAY, 3), origin="id-1")
    await record("pump-1", sample(None, on=True), origin="other")
    await telemetry.record([], messages={"pump-1": 2}, dead={"pump-1": 2})
    await settle()
    found = await account_of("pump-1")
    assert found == Account(messages=6, received=10, stored=7, undated=3, duplicate=2, expired=1, dead=2, gaps=2)
    assert found.received == found.stored + found.duplicate + found.expired
    clock.advance(DAY)
    await record("pump-1", sample(NOON + 2 * SECOND, 2, boot="b1"))
    await settle()
    healed = await account_of("pump-1")
    assert (healed.stored, healed.gaps) == (8, 1)
    assert (await account_of("pump-1", (TODAY + DAY,))).messages == 1


async def test_days_of_minutes_and_months_of_hours_are_dropped_at_their_time(
    record, settle, rollup_store, clock, telemetry
):
    await record("pump-1", sample(NOON, 1))
    await settle()
    roller = Roller(rollup_store, telemetry, clock=clock, minute_days=10, hour_days=40)
    clock.advance(10 * DAY)
    await roller.drop_past()
    assert await rollup_store.days_of_minutes() == [TODAY]
    clock.advance(DAY)
    await roller.drop_past()
    assert await rollup_store.days_of_minutes() == []
    assert await rollup_store.months_of_hours() == [TODAY.replace(day=1)]
    clock.advance(45 * DAY)
    await roller.drop_past()
    assert await rollup_store.months_of_hours() == []


async def test_many_devices_are_rolled_up_together(record, settle, rollups):
    uids = [f"pump-{number:03}" for number in range(130)]
    for uid in uids:
        await record(uid, sample(NOON, 1, temperature=1.0))
    await settle()
    found = defaultdict(int)
    async for uid, _, metrics in rollups.summaries(HOUR, uids, NOON, NOON + HOUR, metrics=None):
        found[uid] += metrics["temperature"].count
    assert found == dict.fromkeys(uids, 1)
    accounts = await rollups.accounts(uids, [TODAY])
    assert set(accounts.values()) == {Account(messages=1, received=1, stored=1)}


async def test_whatever_else_the_process_does_has_its_turn_after_each_device_of_a_roll(
    record, telemetry, roller, monkeypatch
):
    for number in range(10):
        await record(f"pump-{number}", sample(NOON, 1, temperature=1.0))
    await telemetry.fold_news()
    turns: list[str] = []

    def add_samples(*_):
        turns.append("roll")

    async def something_else():
        while True:
            turns.append("other")
            await asyncio.sleep(0)

    monkeypatch.setattr(service, "add_samples", add_samples)
    other = asyncio.create_task(something_else())
    try:
        await roller.roll()
    finally:
        other.cancel()
    assert turns.count("roll") == 10
    assert ("roll", "roll") not in pairwise(turns)


async def test_a_roll_takes_no_more_marks_than_it_has_room_for_and_the_rest_follows(
    record, telemetry, rollup_store, clock, settle, read, account_of, monkeypatch
):
    monkeypatch.setattr(store, "_MARKS_BYTES", 1)
    for number in range(3):
        await record("pump-1", sample(NOON + number * SECOND, number, temperature=float(number)))
        await telemetry.fold_news()
    ids, marks, more = await rollup_store.marks(clock.now())
    assert (len(ids), len(list(marks)), more) == (1, 1, True)
    await settle()
    assert await read(MINUTE) == [(0 * DAY, 3, 1.0, 2.0)]
    assert await account_of("pump-1") == Account(messages=3, received=3, stored=3)


async def test_of_marks_a_document_is_decoded_when_it_is_its_turn(record, telemetry, rollup_store, clock, monkeypatch):
    for number in range(2):
        await record("pump-1", sample(NOON + number * SECOND, number))
        await telemetry.fold_news()
    decoder = Mock(wraps=store._marks)
    monkeypatch.setattr(store, "_marks", decoder)
    ids, marks, _ = await rollup_store.marks(clock.now())
    next(marks)
    assert (len(ids), decoder.decode.call_count) == (2, 1)
    assert len([*marks]) == 1
