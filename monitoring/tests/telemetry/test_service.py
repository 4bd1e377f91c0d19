"""Telemetry is stored once, whatever comes again, and read by those whose device it is."""

import asyncio
from datetime import timedelta
from unittest.mock import Mock

import pytest

from monitoring.fleet.errors import DeviceNotFound
from monitoring.telemetry import service as service_module
from monitoring.telemetry import store as store_module
from monitoring.telemetry.errors import BadTimeRange
from monitoring.telemetry.service import TelemetryService
from monitoring.telemetry.store import UNDATED
from shared.http.pagination import BadCursor
from shared.mongo.errors import StoreAway

from ..worlds import NOON, sample

SECOND = timedelta(seconds=1)


async def all_documents(database, telemetry):
    await telemetry.fold_news()
    found = {}
    for name in await database.list_collection_names():
        if name.startswith("samples_") or name == "latest":
            found[name] = sorted(await database[name].find().to_list(None), key=lambda one: one["_id"])
    return found


async def test_a_batch_that_comes_again_changes_nothing(record, telemetry, database, clock):
    samples = [sample(NOON - SECOND, 1), sample(NOON, 2), sample(None), sample(NOON + timedelta(days=9), 3)]
    first = await record("pump-1", *samples)
    before = await all_documents(database, telemetry)
    clock.advance(timedelta(minutes=5))
    second = await record("pump-1", *reversed(samples))
    third = await record("pump-1", *samples)
    assert (first.stored, first.duplicate, first.undated) == (4, 0, 2)
    assert (third.stored, third.duplicate, third.undated) == (0, 4, 0)
    # In another order the sample without time and seq has another place in its message, hence another origin.
    assert (second.stored, second.duplicate) == (1, 3)
    after = await all_documents(database, telemetry)
    assert {name: len(documents) for name, documents in after.items()} == {
        name: len(documents) + (name == UNDATED) for name, documents in before.items()
    }


async def test_a_redelivery_after_midnight_finds_the_sample_in_its_day(record, telemetry, database, clock):
    late = sample(NOON + timedelta(hours=11, minutes=59), 7)
    await record("pump-1", late)
    before = await all_documents(database, telemetry)
    clock.advance(timedelta(hours=13))
    again = await record("pump-1", late)
    assert (again.stored, again.duplicate) == (0, 1)
    assert await all_documents(database, telemetry) == before


async def test_an_undated_sample_that_comes_again_does_not_look_newer(record, telemetry, register, clock):
    await register("pump-1")
    await record("pump-1", sample(None, temperature=1.0), origin="id-1")
    clock.advance(SECOND)
    await record("pump-1", sample(None, temperature=2.0), origin="id-2")
    clock.advance(SECOND)
    await record("pump-1", sample(None, temperature=1.0), origin="id-1")
    [latest] = (await telemetry.latest(1, uid="pump-1", limit=1)).items
    assert latest.metrics["temperature"].value == 2.0
    assert latest.metrics["temperature"].ts == NOON + SECOND
    assert latest.metrics["temperature"].dated is False


async def test_one_batch_may_hold_the_same_sample_twice(record):
    recorded = await record("pump-1", sample(NOON, 1), sample(NOON, 1))
    assert (recorded.stored, recorded.duplicate) == (1, 1)


async def test_samples_past_the_retention_are_counted_and_not_stored(record, telemetry, database):
    recorded = await record("pump-1", sample(NOON - timedelta(days=31), 1), sample(NOON, 2))
    assert (recorded.stored, recorded.expired) == (1, 1)
    assert len((await all_documents(database, telemetry))["samples_standard_20261121"]) == 1


async def test_a_device_whose_clock_is_years_ahead_does_not_freeze_its_latest(record, telemetry, register, clock):
    await register("pump-1")
    await record("pump-1", sample(NOON + timedelta(days=20_000), 1, temperature=99.0))
    clock.advance(SECOND)
    await record("pump-1", sample(NOON + SECOND, 2, temperature=21.0))
    [latest] = (await telemetry.latest(1, uid="pump-1", limit=1)).items
    assert latest.metrics["temperature"].value == 21.0


async def test_the_latest_is_kept_metric_by_metric_by_the_devices_time(record, telemetry, register):
    await register("pump-1")
    await record("pump-1", sample(NOON, 2, temperature=2.0, **{"disk.free": 5.0}))
    await record("pump-1", sample(NOON - SECOND, 1, temperature=1.0, humidity=40.0))
    await record("pump-1", sample(NOON + SECOND, 3, on=True, **{"disk.free": "full"}))
    [latest] = (await telemetry.latest(1, uid="pump-1", limit=1)).items
    values = {name: (reading.value, reading.ts - NOON) for name, reading in latest.metrics.items()}
    assert values == {
        "temperature": (2.0, 0 * SECOND),
        "humidity": (40.0, -SECOND),
        "on": (True, SECOND),
        "disk.free": ("full", SECOND),
    }
    assert latest.ts == NOON + SECOND


async def test_the_latest_is_the_same_before_and_after_news_are_folded_whatever_the_order(
    record, telemetry, register, database
):
    await register("pump-1", "pump-2")

    async def latest():
        return (await telemetry.latest(1, limit=10)).model_dump()

    await record("pump-1", sample(NOON, 2, temperature=2.0, humidity=50.0), sample(NOON - SECOND, 1, temperature=1.0))
    await record("pump-2", sample(NOON, 1, text="a"))
    await telemetry.fold_news()
    await record("pump-1", sample(NOON - SECOND, 1, temperature=1.0, on=False))
    await record("pump-1", sample(NOON + SECOND, 3, temperature=3.0))
    before = await latest()
    await telemetry.fold_news()
    assert await latest() == before
    assert await database["latest_news"].count_documents({}) == 0
    [pump, _] = before["items"]
    assert {name: reading["value"] for name, reading in pump["metrics"].items()} == {
        "temperature": 3.0,
        "humidity": 50.0,
        "on": False,
    }


async def test_news_that_are_folded_while_somebody_reads_are_not_missed(record, telemetry, register, monkeypatch):
    await register("pump-1")
    await record("pump-1", sample(NOON, 1))
    read = store_module.by_ids

    async def read_and_fold(*arguments):
        found = await read(*arguments)
        await telemetry.fold_news()
        return found

    monkeypatch.setattr(store_module, "by_ids", read_and_fold)
    assert len((await telemetry.latest(1, limit=1)).items) == 1


async def test_news_are_folded_as_many_at_a_time_as_fit_into_memory(
    record, telemetry, register, store, database, monkeypatch
):
    monkeypatch.setattr(store_module, "_NEWS_BYTES_AT_ONCE", 1)
    await register("pump-1")
    for number in range(3):
        await record("pump-1", sample(NOON + number * SECOND, number, temperature=float(number)))
    news = await store.news()
    assert (len(news.ids), news.more) == (1, True)
    await telemetry.fold_news()
    assert await database["latest_news"].count_documents({}) == 0
    [latest] = (await telemetry.latest(1, uid="pump-1", limit=1)).items
    assert latest.metrics["temperature"].value == 2.0


async def test_of_news_a_document_is_decoded_when_it_is_its_turn(record, store, monkeypatch):
    for number in range(2):
        await record("pump-1", sample(NOON + number * SECOND, number))
    latest, touched = Mock(wraps=store_module._latest_decoder), Mock(wraps=store_module._touched_decoder)
    monkeypatch.setattr(store_module, "_latest_decoder", latest)
    monkeypatch.setattr(store_module, "_touched_decoder", touched)
    news = await store.news()
    next(news.latest), next(news.touched)
    assert (len(news.ids), latest.decode.call_count, touched.decode.call_count) == (2, 1, 1)
    assert (len([*news.latest]), len([*news.touched])) == (1, 1)


async def test_two_workers_may_fold_the_same_news(record, telemetry, register, store):
    await register("pump-1")
    await record("pump-1", sample(NOON, 1, temperature=1.0))
    news = await store.news()
    await record("pump-1", sample(NOON + SECOND, 2, temperature=2.0))
    await telemetry.fold_news()
    await store.fold(news.ids, list(news.latest))
    [latest] = (await telemetry.latest(1, uid="pump-1", limit=1)).items
    assert latest.metrics["temperature"].value == 2.0


@pytest.fixture
def gathering(store, fleet, organizations, clock):
    """Folds news when they have been gathered for a minute."""
    return TelemetryService(store, fleet, organizations, clock=clock, gather_for=timedelta(minutes=1))


async def test_news_are_gathered_before_they_are_folded_and_the_latest_is_the_same_all_along(
    record, telemetry, gathering, register, database, clock
):
    await register("pump-1", "pump-2")

    async def newest():
        found = (await telemetry.latest(1, limit=10)).items
        return {one.device_uid: {name: reading.value for name, reading in one.metrics.items()} for one in found}

    async def documents():
        return [await database[name].count_documents({}) for name in ("latest_news", "latest")]

    await record("pump-1", sample(NOON, 1, temperature=1.0, on=True))
    await gathering.fold_news()
    clock.advance(30 * SECOND)
    await record("pump-1", sample(NOON + SECOND, 2, temperature=2.0))
    await record("pump-2", sample(NOON, 1, text="a"))
    before = await newest()
    assert before == {"pump-1": {"temperature": 2.0, "on": True}, "pump-2": {"text": "a"}}
    for _ in range(2):
        await gathering.fold_news()
        assert (await newest(), await documents()) == (before, [1, 0])
    clock.advance(30 * SECOND)
    await gathering.fold_news()
    assert (await newest(), await documents()) == (before, [0, 2])


async def test_two_workers_may_gather_the_same_news_and_one_may_die_of_it(
    record, telemetry, gathering, register, store, database, monkeypatch
):
    await register("pump-1")
    await record("pump-1", sample(NOON, 1, temperature=1.0))
    news = await store.news()
    await gathering.fold_news()
    await store.gather(news.ids, list(news.latest), NOON)
    await record("pump-1", sample(NOON + SECOND, 2, temperature=2.0))

    async def die(*_):
        raise StoreAway("gone")

    with monkeypatch.context() as patched:
        patched.setattr(store, "_delete_news", die)
        with pytest.raises(StoreAway):
            await gathering.fold_news()
    await gathering.fold_news()
    assert await database["latest_news"].count_documents({}) == 1
    [latest] = (await telemetry.latest(1, uid="pump-1", limit=1)).items
    assert latest.metrics["temperature"].value == 2.0


async def test_news_too_large_for_every_reader_are_folded_at_once(record, gathering, register, database, monkeypatch):
    monkeypatch.setattr(store_module, "_GATHERED_BYTES", 1)
    await register("pump-1")
    await record("pump-1", sample(NOON, 1))
    await gathering.fold_news()
    assert await database["latest_news"].count_documents({}) == 0


@pytest.mark.parametrize(("small", "told"), [(50, 1), (0, 2)])
async def test_a_small_batch_leaves_one_document_and_of_a_large_one_the_readings_come_first(
    record, telemetry, register, database, monkeypatch, small, told
):
    monkeypatch.setattr(service_module, "_SMALL_BATCH", small)
    await register("pump-1")
    await record("pump-1", sample(NOON, 1, temperature=1.0), sample(None, humidity=50.0))
    assert await database["latest_news"].count_documents({}) == told
    [latest] = (await telemetry.latest(1, uid="pump-1", limit=1)).items
    assert latest.metrics.keys() == {"temperature", "humidity"}


@pytest.mark.parametrize(("large", "at_once"), [(2, 1), (3, 5)])
async def test_of_large_batches_one_is_at_the_store_at_a_time_and_small_ones_wait_for_none(
    record, database, monkeypatch, large, at_once
):
    monkeypatch.setattr(store_module, "_LARGE_INSERT", large)
    insert, under_way, most, together = store_module.insert_new, 0, 0, asyncio.Event()

    async def counted_insert(*arguments):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == at_once:
            together.set()
        async with asyncio.timeout(90):
            await together.wait()
        try:
            return await insert(*arguments)
        finally:
            under_way -= 1

    monkeypatch.setattr(store_module, "insert_new", counted_insert)
    batches = (record(f"pump-{number}", sample(NOON, 1), sample(NOON, 2)) for number in range(5))
    assert sum(recorded.stored for recorded in await asyncio.gather(*batches)) == 10
    assert most == at_once


async def test_the_next_large_batch_is_at_the_store_before_what_the_last_has_left_is_worked_out(
    record, store, monkeypatch
):
    monkeypatch.setattr(store_module, "_LARGE_INSERT", 2)
    insert, work_out, happened, both_wait = store_module.insert_new, service_module.touched_by, [], asyncio.Event()

    class Turn(asyncio.Lock):
        async def acquire(self):
            if self.locked():
                both_wait.set()
            return await super().acquire()

    async def logged_insert(*arguments):
        happened.append("insert")
        async with asyncio.timeout(90):
            await both_wait.wait()
        return await insert(*arguments)

    def logged_work(*arguments):
        happened.append("work")
        return work_out(*arguments)

    monkeypatch.setattr(store, "_large_insert", Turn())
    monkeypatch.setattr(store_module, "insert_new", logged_insert)
    monkeypatch.setattr(service_module, "touched_by", logged_work)
    await asyncio.gather(*(record(f"pump-{number}", sample(NOON, 1), sample(NOON, 2)) for number in range(2)))
    assert happened == ["insert", "insert", "work", "work"]


async def test_telemetry_that_comes_before_its_device_is_known_is_kept_and_unreadable_until_then(
    record, telemetry, register
):
    await record("pump-1", sample(NOON, 1))
    with pytest.raises(DeviceNotFound):
        await telemetry.history(1, "pump-1", limit=10)
    with pytest.raises(DeviceNotFound):
        await telemetry.latest(1, uid="pump-1", limit=10)
    assert (await telemetry.latest(1, limit=10)).items == []
    await register("pump-1")
    assert len((await telemetry.history(1, "pump-1", limit=10)).items) == 1
    assert [one.device_uid for one in (await telemetry.latest(1, limit=10)).items] == ["pump-1"]


async def test_history_runs_through_the_days_page_by_page(record, telemetry, register):
    await register("pump-1", "pump-10")
    times = [NOON + timedelta(hours=hours) for hours in range(-70, 20, 5)]
    await record("pump-1", *(sample(at, n) for n, at in enumerate(times)))
    await record("pump-10", sample(NOON, 1))
    await record("pump-1", sample(None))
    seen, cursor = [], None
    while True:
        page = await telemetry.history(1, "pump-1", limit=4, cursor=cursor)
        seen += [one.ts for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == times
    part = await telemetry.history(1, "pump-1", start=times[3], end=times[6], limit=50)
    assert [one.ts for one in part.items] == times[3:6]


async def test_history_of_one_metric_leaves_out_samples_without_it(record, telemetry, register):
    await register("pump-1")
    await record("pump-1", sample(NOON, 1, temperature=1.0), sample(NOON + SECOND, 2, **{"disk.free": 5.0, "x": 1.0}))
    page = await telemetry.history(1, "pump-1", metric="disk.free", limit=10)
    assert [(one.ts, one.metrics) for one in page.items] == [(NOON + SECOND, {"disk.free": 5.0})]


async def test_an_empty_range_is_refused(telemetry, register):
    await register("pump-1")
    with pytest.raises(BadTimeRange):
        await telemetry.history(1, "pump-1", start=NOON, end=NOON, limit=1)


@pytest.mark.parametrize(
    "cursor", ["!", "W10", "WyJhOmI6YyJd", "WzFd", "WyJcdWQ4MDAiXQ", "WyJmZmZmZmZmZmZmZmZmZmZmOjoxIl0"]
)
async def test_foreign_cursors_are_refused(telemetry, register, cursor):
    await register("pump-1")
    with pytest.raises(BadCursor):
        await telemetry.history(1, "pump-1", cursor=cursor, limit=1)


async def test_the_latest_of_many_devices_comes_page_by_page(record, telemetry, register):
    uids = [f"pump-{number:03}" for number in range(30)]
    await register(*uids)
    await register("valve", organization_id=2)
    for uid in [*uids[::3], "valve"]:
        await record(uid, sample(NOON, 1))
    first = await telemetry.latest(1, limit=7)
    second = await telemetry.latest(1, limit=7, cursor=first.next)
    assert [one.device_uid for one in [*first.items, *second.items]] == uids[::3]
    assert second.next is None


async def test_whole_days_are_dropped_when_nobody_can_read_them_any_more(record, telemetry, store, clock):
    await record("pump-1", sample(NOON, 1), sample(NOON + timedelta(days=1), 2))
    clock.advance(timedelta(days=31))
    await telemetry.drop_past()
    assert len(await store.days()) == 2
    clock.advance(timedelta(days=1))
    await telemetry.drop_past()
    assert await store.days() == [("standard", (NOON + timedelta(days=1)).date())]
    await record("pump-1", sample(clock.now(), 3))
    assert len(await store.days()) == 2
