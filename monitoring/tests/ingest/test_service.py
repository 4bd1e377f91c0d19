"""The path of a sample, from the queue into the store and out to those who watch, on real servers."""

import asyncio
from datetime import UTC, datetime, timedelta

import pymongo
import pytest
from prometheus_client import REGISTRY

from monitoring.fleet.service import FleetService
from monitoring.fleet.store import FleetStore
from monitoring.ingest.consumers import TelemetryConsumer
from monitoring.ingest.service import IngestService
from monitoring.telemetry import service as telemetry_service
from monitoring.telemetry.service import TelemetryService
from monitoring.telemetry.store import TelemetryStore
from shared.clock import SystemClock
from shared.messaging.topology import TELEMETRY_QUEUE, dead_letters_of
from shared.mongo import client
from shared.mongo.errors import StoreAway
from shared.testing import eventually

from ..worlds import body, delivery


class Watching:
    def __init__(self):
        self.frames = []
        self.devices = []

    def telemetry(self, organization_id, items):
        self.frames.append((organization_id, list(items)))

    def heard(self, uid, said):
        self.devices.append((uid, said))


class Looking:
    """Whoever holds what comes in against rules."""

    def __init__(self):
        self.seen = []

    async def observe(self, latest, organizations):
        self.seen.append(({one.device_uid for one in latest}, dict(organizations)))


@pytest.fixture
def watching() -> Watching:
    return Watching()


@pytest.fixture
def looking() -> Looking:
    return Looking()


@pytest.fixture
async def consume(database, fleet, organizations, watching, looking) -> TelemetryConsumer:
    store = TelemetryStore(database)
    await store.prepare(undated_for=timedelta(days=7))
    telemetry = TelemetryService(store, fleet, organizations, clock=SystemClock())
    return TelemetryConsumer(IngestService(telemetry, fleet, looking, watching, watching, clock=SystemClock()))


@pytest.fixture
def counted():
    """How much each outcome has grown since the test began."""

    def read():
        names = ("received", "stored", "duplicate", "undated", "expired")
        samples = {n: REGISTRY.get_sample_value("muster_telemetry_samples_total", {"outcome": n}) or 0 for n in names}
        dead = REGISTRY.get_sample_value("muster_telemetry_messages_total", {"outcome": "dead"}) or 0
        return samples | {"dead": dead}

    before = read()
    return lambda: {name: value - before[name] for name, value in read().items() if value != before[name]}


def now() -> datetime:
    return datetime.now(UTC)


async def stored(database) -> int:
    names = [name for name in await database.list_collection_names() if name.startswith("samples_")]
    return sum([await database[name].count_documents({}) for name in names])


async def test_poison_is_returned_alone_and_everything_is_accounted_for(consume, register, database, counted):
    await register("pump-1")
    batch = [
        delivery("pump-1", body(now(), 1)),
        delivery("pump-1", b"not telemetry"),
        delivery("pump-1", body(now(), 1, "b2")),
        delivery("pump-1", body(None)),
        delivery("pump-1", body(now() - timedelta(days=60), 3)),
    ]
    rejected = await consume(batch)
    assert [one.index for one in rejected] == [1]
    assert await consume(batch) == rejected
    assert await stored(database) == 3
    assert counted() == {"received": 8, "stored": 3, "duplicate": 3, "undated": 1, "expired": 2, "dead": 2}


async def test_a_frame_for_each_organization_shows_known_devices_only(consume, register, watching):
    await register("pump-1")
    await register("valve-1", organization_id=2)
    at = now().replace(microsecond=0)
    later = at + timedelta(seconds=1)
    await consume(
        [
            delivery("pump-1", body(later, 2, temperature=2.0)),
            delivery("pump-1", body(at, 1, temperature=1.0, humidity=40.0)),
            delivery("valve-1", body(at, 1, open=True)),
            delivery("stranger", body(at, 1)),
        ]
    )
    shown = {
        organization_id: [(one.device_uid, one.ts, one.metrics) for one in items]
        for organization_id, items in watching.frames
    }
    milliseconds = int(at.timestamp() * 1000)
    assert shown == {
        1: [("pump-1", milliseconds + 1000, {"temperature": 2.0}), ("pump-1", milliseconds, {"humidity": 40.0})],
        2: [("valve-1", milliseconds, {"open": True})],
    }


async def test_of_a_large_batch_a_reading_with_a_time_is_seen_while_its_sample_is_stored_and_one_without_after_it(
    database, fleet, organizations, register, watching, monkeypatch
):
    monkeypatch.setattr(telemetry_service, "_SMALL_BATCH", 1)
    await register("pump-1")
    store = TelemetryStore(database)
    await store.prepare(undated_for=timedelta(days=7))
    insert, may_store = store.insert, asyncio.Event()

    async def insert_later(samples):
        await may_store.wait()
        return await insert(samples)

    monkeypatch.setattr(store, "insert", insert_later)
    telemetry = TelemetryService(store, fleet, organizations, clock=SystemClock())
    ingest = IngestService(telemetry, fleet, Looking(), watching, watching, clock=SystemClock())
    taking = asyncio.create_task(
        ingest.take([delivery("pump-1", body(now(), 1, dated=1.0)), delivery("pump-1", body(None, undated=2.0))])
    )
    await eventually(lambda: watching.frames, why="a frame")
    assert _shown(watching) == [{"dated": 1.0}]
    [latest] = await telemetry.latest_among(["pump-1"])
    assert set(latest.metrics) == {"dated"}
    may_store.set()
    await taking
    assert _shown(watching) == [{"dated": 1.0}, {"undated": 2.0}]
    [latest] = await telemetry.latest_among(["pump-1"])
    assert set(latest.metrics) == {"dated", "undated"}


async def test_a_store_that_is_away_is_said_to_be_and_nothing_is_counted(counted, organizations):
    async with client.open("mongodb://127.0.0.1:1", "nowhere") as away:
        fleet = FleetService(FleetStore(away))
        telemetry = TelemetryService(TelemetryStore(away), fleet, organizations, clock=SystemClock())
        ingest = IngestService(telemetry, fleet, Looking(), Watching(), Watching(), clock=SystemClock())
        with pytest.raises(StoreAway):
            await ingest.take([delivery("p", body(now(), 1))])
    assert counted() == {}


async def test_what_the_broker_has_taken_is_stored_and_poison_is_set_aside(
    start_worker, raw, register, database, reader
):
    await register("pump-1")
    async with start_worker():
        await raw.send("pump-1", body(now(), 1), b"poison", body(now(), 2))
        await eventually(lambda: _holds(stored(database), 2))
        await eventually(lambda: _holds(raw.waiting(dead_letters_of(TELEMETRY_QUEUE)), 1))
        assert await raw.waiting(TELEMETRY_QUEUE) == 0
        answer = await reader.get("/api/v2/telemetry", params={"device_uid": "pump-1"})
        assert len(answer.json()["items"]) == 2


async def test_the_store_goes_away_and_comes_back_and_nothing_is_lost_or_doubled(
    start_worker, raw, register, mongodb_url, mongodb_database, servers
):
    await register("pump-1")
    try:
        async with start_worker():
            await raw.send("pump-1", *(body(now(), number) for number in range(50)))
            await asyncio.to_thread(servers.kill, "mongodb")
            await raw.send("pump-1", *(body(now(), number) for number in range(50, 100)))
            await asyncio.to_thread(servers.start, "mongodb")

            def count():
                with pymongo.MongoClient(mongodb_url) as client:
                    found = client[mongodb_database]
                    names = [name for name in found.list_collection_names() if name.startswith("samples_standard")]
                    return sum(found[name].count_documents({}) for name in names)

            await eventually(lambda: count() == 100)
            await eventually(lambda: _holds(raw.waiting(TELEMETRY_QUEUE), 0))
            assert await raw.waiting(dead_letters_of(TELEMETRY_QUEUE)) == 0
            assert count() == 100
    finally:
        await asyncio.to_thread(servers.start, "mongodb")


def _shown(watching) -> list:
    return [item.metrics for _, items in watching.frames for item in items]


async def _holds(asked, expected) -> bool:
    return await asked == expected


async def test_presence_hears_who_speaks_and_when_by_the_devices_own_clock(consume, watching):
    at = now()
    await consume([delivery("pump-1", body(at, 1)), delivery("pump-2", body(None, 1))])
    assert sorted(watching.devices) == [("pump-1", at), ("pump-2", None)]
