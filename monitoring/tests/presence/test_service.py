"""Presence on a real MongoDB: fenced, attributed, reconciled, and told of."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from monitoring.fleet.errors import DeviceNotFound
from monitoring.fleet.service import FleetService
from monitoring.fleet.store import FleetStore
from monitoring.presence.models import Closed, Connection, Opened, Sign
from monitoring.presence.service import PresenceService, PresenceTracker, SignCollector
from monitoring.presence.store import PresenceStore
from shared.clock import FixedClock, SystemClock
from shared.contracts.envelope import Envelope
from shared.contracts.live import instant
from shared.contracts.signs import Signs
from shared.ids import RandomIds
from shared.messaging.deliveries import Delivery

from ..worlds import device_state


@dataclass
class FakeBroker:
    """The management API: which connections it lists, one list after the other, the last one for ever."""

    lists: list[list[Opened]] = field(default_factory=lambda: [[]])

    async def live(self):
        return self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]


@dataclass
class Watching:
    items: list = field(default_factory=list)

    def presence(self, organization_id, items):
        self.items += [(organization_id, one.device_uid, one.online, one.version) for one in items]


def connection(number, pid=None):
    return Connection(
        1_795_000_000_000 + number, f"<n@h.1.{number}.0>" if pid is None else pid, f"peer:{number} -> host"
    )


def opened(uid, number, pid=None):
    return Opened(uid, connection(number, pid))


def closed(number):
    return Closed(connection(number).pid, connection(number).name, 1_795_000_900_000)


@pytest.fixture
async def store(database) -> PresenceStore:
    store = PresenceStore(database)
    await store.prepare()
    return store


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def watching() -> Watching:
    return Watching()


@pytest.fixture
def make_tracker(store, database, broker, watching):
    def make(clock=None):
        return PresenceTracker(
            store,
            FleetService(FleetStore(database)),
            broker,
            watching,
            clock=clock or SystemClock(),
            ids=RandomIds(),
            source="/monitoring",
            services=frozenset({"muster"}),
            wake_relay=lambda: None,
            settle=timedelta(seconds=0),
        )

    return make


@pytest.fixture
def tracker(make_tracker) -> PresenceTracker:
    return make_tracker()


@pytest.fixture
def presence(store, fleet) -> PresenceService:
    return PresenceService(store, fleet)


@pytest.fixture
def online(presence):
    async def online(uid="pump-1"):
        [one] = (await presence.page(1, uid=uid, limit=1)).items
        return one.online, one.version

    return online


@pytest.fixture
def news(database):
    """The events that wait to be sent, in the order of their documents."""

    async def news():
        documents = await database["presence"].find({"outbox.id": {"$exists": True}}).sort("_id", 1).to_list(None)
        envelopes = [Envelope.decode(event["payload"].encode()) for one in documents for event in one["outbox"]]
        return [(one.type, one.data["device_uid"], one.data["version"]) for one in envelopes]

    return news


async def test_transitions_are_stored_with_their_events_and_shown(tracker, register, online, news, watching):
    await register("pump-1")
    await tracker.follow([opened("pump-1", 1)])
    assert await online() == (True, 1)
    await tracker.follow([closed(1)])
    assert await online() == (False, 2)
    assert await news() == [("device.connected.v1", "pump-1", 1), ("device.disconnected.v1", "pump-1", 2)]
    assert watching.items == [(1, "pump-1", True, 1), (1, "pump-1", False, 2)]


async def test_a_batch_that_comes_again_makes_no_news(tracker, register, online, news):
    await register("pump-1")
    batch = [opened("pump-1", 1), closed(1), opened("pump-1", 2)]
    await tracker.follow(batch)
    await tracker.follow(batch)
    assert await online() == (True, 3)
    assert [version for _, _, version in await news()] == [1, 2, 3]


async def test_a_takeover_is_told_of_as_connected_again_and_the_old_connections_end_is_no_news(
    tracker, register, online, news
):
    await register("pump-1")
    await tracker.follow([opened("pump-1", 1)])
    await tracker.follow([opened("pump-1", 2)])
    await tracker.follow([closed(1)])
    assert await online() == (True, 2)
    assert await news() == [("device.connected.v1", "pump-1", 1), ("device.connected.v1", "pump-1", 2)]


async def test_two_trackers_at_once_lose_nothing_and_double_nothing(make_tracker, register, online, news):
    uids = [f"pump-{number}" for number in range(30)]
    await register(*uids)
    batch = [opened(uid, number) for number, uid in enumerate(uids)]
    await asyncio.gather(*(make_tracker().follow(batch) for _ in range(4)))
    assert [await online(uid) for uid in uids] == [(True, 1)] * 30
    assert len(await news()) == 30


async def test_presence_before_its_device_is_unreadable_and_silent_until_the_copy_catches_up(
    tracker, database, presence, news, watching
):
    await tracker.follow([opened("pump-1", 1)])
    assert watching.items == []
    assert await news() == []
    assert (await presence.page(1, limit=5)).items == []
    fleet = FleetService(FleetStore(database), newcomers=tracker)
    for _ in range(2):
        await fleet.follow([device_state("pump-1")])
    assert [one.online for one in (await presence.page(1, limit=5)).items] == [True]
    assert await news() == [("device.connected.v1", "pump-1", 1)]
    assert watching.items[0] == (1, "pump-1", True, 1)


async def test_a_device_attributed_by_its_own_next_change_is_told_of_once(tracker, register, news):
    await tracker.follow([opened("pump-1", 1)])
    await register("pump-1")
    await tracker.follow([opened("pump-1", 2)])
    assert await news() == [("device.connected.v1", "pump-1", 2)]


async def test_services_are_no_devices(tracker, database):
    await tracker.follow([opened("muster", 1)])
    assert await database["presence"].count_documents({}) == 0


async def test_reconciling_finds_connections_whose_events_were_lost(tracker, broker, register, online):
    await register("pump-1")
    broker.lists = [[opened("pump-1", 1, pid=""), opened("muster", 2, pid="")]]
    await tracker.reconcile()
    assert await online() == (True, 1)
    await tracker.follow([closed(1)])
    assert await online() == (False, 2)


async def test_reconciling_ends_what_the_broker_no_longer_knows(tracker, broker, register, online, news):
    await register("pump-1", "pump-2")
    await tracker.follow([opened("pump-1", 1), opened("pump-2", 2)])
    broker.lists = [[opened("pump-2", 2, pid="")]]
    await tracker.reconcile()
    assert await online("pump-1") == (False, 2)
    assert await online("pump-2") == (True, 1)
    await tracker.reconcile()
    assert len(await news()) == 3


async def test_a_connection_that_the_list_shows_late_is_not_ended(tracker, broker, register, online):
    await register("pump-1")
    await tracker.follow([opened("pump-1", 1)])
    broker.lists = [[], [opened("pump-1", 1, pid="")]]
    await tracker.reconcile()
    assert await online() == (True, 1)


async def test_a_connection_too_young_to_be_listed_is_not_ended_before_it_is_old_enough(
    make_tracker, broker, register, online
):
    clock = FixedClock(datetime.fromtimestamp(1_795_000_000, UTC) + timedelta(seconds=90))
    tracker = make_tracker(clock)
    await register("pump-1")
    await tracker.follow([opened("pump-1", 1)])
    broker.lists = [[]]
    await tracker.reconcile()
    assert await online() == (True, 1)
    clock.advance(timedelta(seconds=1))
    await tracker.reconcile()
    assert await online() == (False, 2)


async def test_a_connection_that_comes_while_reconciling_is_not_ended(tracker, broker, register, online):
    await register("pump-1")
    await tracker.follow([opened("pump-1", 1)])
    lists = iter([[], []])

    async def live():
        await tracker.follow([opened("pump-1", 2)])
        return next(lists)

    broker.live = live
    await tracker.reconcile()
    assert await online() == (True, 2)


async def test_pages_show_every_device_and_can_be_cut_to_those_online(tracker, presence, register):
    uids = [f"pump-{number}" for number in range(5)]
    await register(*uids)
    await register("valve", organization_id=2)
    await tracker.follow([opened("pump-3", 1), opened("valve", 2)])
    first = await presence.page(1, limit=3)
    second = await presence.page(1, limit=3, cursor=first.next)
    assert [(one.device_uid, one.online, one.version) for one in [*first.items, *second.items]] == [
        (uid, uid == "pump-3", int(uid == "pump-3")) for uid in uids
    ]
    assert [one.device_uid for one in (await presence.page(1, online=True, limit=3)).items] == ["pump-3"]
    with pytest.raises(DeviceNotFound):
        await presence.page(1, uid="valve", limit=1)


def signs(**heard):
    body = msgspec.json.encode(Signs(instant(SystemClock().now()), heard))
    return Delivery(body, "signs", None, {}, redelivered=False, timestamp=None)


async def test_a_device_that_only_asks_over_http_is_there_until_it_asks_no_more(
    make_tracker, register, online, news, watching, database
):
    await register("pump-1")
    clock = FixedClock(SystemClock().now())
    tracker = make_tracker(clock)
    collector = SignCollector(tracker, clock=clock, usual=timedelta(minutes=15))
    await collector.take(signs(**{"pump-1": 60}))
    await collector.flush()
    await tracker.end_silent()
    assert await online() == (True, 1)
    clock.advance(timedelta(seconds=50))
    collector.heard("pump-1", None)
    await collector.flush()
    clock.advance(timedelta(minutes=14))
    await tracker.end_silent()
    assert await online() == (True, 1)
    clock.advance(timedelta(minutes=2))
    await asyncio.gather(*(make_tracker(clock).end_silent() for _ in range(3)))
    assert await online() == (False, 2)
    assert await news() == [("device.connected.v1", "pump-1", 1), ("device.disconnected.v1", "pump-1", 2)]
    assert [one[2:] for one in watching.items] == [(True, 1), (False, 2)]
    document = await database["presence"].find_one({"_id": "pump-1"})
    assert document["online_ms"] == pytest.approx((50 + 15 * 60) * 1000, abs=1_000)


@pytest.fixture
def overtaken(store, make_tracker, monkeypatch):
    """Lets pump-2 connect, for somebody else, right before the next write of its presence and others'."""

    def overtake():
        write = store.write

        async def late(*change):
            monkeypatch.setattr(store, "write", write)
            await make_tracker().follow([opened("pump-2", 1)])
            return await write(*change)

        monkeypatch.setattr(store, "write", late)

    return overtake


async def test_of_two_workers_that_meet_at_one_device_the_others_are_shown_all_the_same(
    tracker, register, watching, overtaken
):
    await register("pump-1", "pump-2")
    overtaken()
    await tracker.hear({uid: Sign(SystemClock().now(), timedelta(minutes=1)) for uid in ("pump-1", "pump-2")})
    assert (1, "pump-1", True, 1) in watching.items


async def test_of_two_workers_that_attribute_the_others_are_shown_all_the_same(tracker, register, watching, overtaken):
    await tracker.hear({uid: Sign(SystemClock().now(), timedelta(minutes=1)) for uid in ("pump-1", "pump-2")})
    await register("pump-1", "pump-2")
    overtaken()
    await tracker.attribute(["pump-1", "pump-2"])
    assert (1, "pump-1", True, 1) in watching.items


async def test_who_holds_a_connection_is_asked_about_seldom(tracker, register, online):
    await register("pump-1")
    await tracker.follow([opened("pump-1", 1)])
    clock = FixedClock(SystemClock().now())
    collector = SignCollector(tracker, clock=clock, usual=timedelta(minutes=15))
    asked = []
    hear = tracker.hear

    async def counted(given):
        asked.append(list(given))
        return await hear(given)

    tracker.hear = counted
    for _ in range(8):
        collector.heard("pump-1", None)
        await collector.flush()
        clock.advance(timedelta(minutes=1))
    assert len(asked) == 2
    assert await online() == (True, 1)


async def test_a_sign_of_a_device_that_nobody_knows_yet_is_told_of_when_it_is_known(tracker, register, online, news):
    now = SystemClock().now()
    await tracker.hear({"pump-1": Sign(now, timedelta(minutes=15))})
    assert await news() == []
    await register("pump-1")
    await tracker.attribute(["pump-1"])
    assert await online() == (True, 1)
    assert await news() == [("device.connected.v1", "pump-1", 1)]


async def test_a_fleet_that_reconnects_at_once_is_back_with_few_writes(
    store, make_tracker, presence, register, news, monkeypatch
):
    """The ends of the old connections and the new ones come in any order, to two workers, some of them twice."""
    uids = [f"pump-{number:03}" for number in range(300)]
    await register(*uids)
    first, second = make_tracker(), make_tracker()
    await first.follow([opened(uid, number) for number, uid in enumerate(uids)])
    events = [
        *(closed(number) for number in range(300)),
        *(opened(uid, 1_000 + number) for number, uid in enumerate(uids)),
    ]
    random.Random(1).shuffle(events)  # noqa: S311 - the same order every time
    written, write = [], store.write

    async def counted(*change):
        written.append(1)
        return await write(*change)

    monkeypatch.setattr(store, "write", counted)
    half = len(events) // 2
    await asyncio.gather(first.follow(events[: half + 50]), second.follow(events[half - 50 :]))
    page = await presence.page(1, limit=500)
    assert [one.device_uid for one in page.items if one.online] == uids
    stored = await store.find_all(uids)
    assert {one.connection.connected_at >= connection(1_000).connected_at for one in stored} == {True}
    assert len(written) < 10
    told = await news()
    for uid in uids:
        versions = [version for _, one, version in told if one == uid]
        assert versions == list(range(1, len(versions) + 1))
        assert [kind for kind, one, _ in told if one == uid][-1] == "device.connected.v1"
