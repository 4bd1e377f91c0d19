"""Rooms and frames, with everything around them faked: what happens between two steps."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from monitoring.fleet.errors import GroupNotFound
from monitoring.frames.models import FRAME_SECONDS
from monitoring.live.errors import NotConnected, TopicNotAllowed
from monitoring.live.service import LiveService
from monitoring.snapshots.service import SnapshotService
from monitoring.snapshots.states import Topic
from shared.clock import FixedClock
from shared.contracts.live import TelemetryFrame, TelemetryItem
from shared.contracts.routes import live_key
from shared.messaging.deliveries import Delivery
from shared.mongo.errors import StoreAway
from shared.revocations import Kind, Revocation
from shared.testing import eventually

ORGANIZATION = 1
SCOPES = ("telemetry:read", "devices:read", "updates:read")


def frame(*uids, ts=1):
    items = [TelemetryItem(uid, ts, {"temperature": 1.0}) for uid in uids]
    body = msgspec.json.encode(TelemetryFrame(ORGANIZATION, items))
    return Delivery(body, live_key(ORGANIZATION), None, {}, redelivered=False, timestamp=None)


class FakeClients:
    def __init__(self):
        self.rooms = {}
        self.sent = []
        self.listening = {}

    async def enter(self, sid, room):
        self.rooms.setdefault(room, set()).add(sid)

    async def leave(self, sid, room):
        self.rooms.get(room, set()).discard(sid)

    async def emit(self, event, data, *, to):
        self.sent += [(sid, event, data) for sid in self.rooms.get(to, {to})]

    async def drained(self, sid):
        await self.listening.get(sid, asyncio.sleep)(0)

    async def disconnect(self, sid, reason):
        self.sent.append((sid, "disconnect", None))

    def events(self, sid):
        return [event for who, event, _ in self.sent if who == sid]


class FakeSource:
    def __init__(self):
        self.followed = set()

    async def follow(self, key):
        self.followed.add(key)

    async def unfollow(self, key):
        self.followed.discard(key)


class FakeFleet:
    def __init__(self):
        self.groups = {7: ["pump-1"]}
        self.revision = 1
        self.searched = 0

    async def require_all(self, organization_id, uids):
        return None

    async def revisions(self, organization_ids):
        return dict.fromkeys(organization_ids, self.revision)

    async def members(self, organization_id, group_id):
        self.searched += 1
        if group_id not in self.groups:
            raise GroupNotFound
        return self.groups[group_id]

    async def pages(self, organization_id):
        yield ["pump-1"]


class FakeState:
    """Telemetry, presence and updates; `meanwhile` happens while a snapshot is read."""

    def __init__(self):
        self.meanwhile = None
        self.read = []
        self.asked = 0

    async def latest_among(self, uids):
        self.read.append(list(uids))
        if self.meanwhile is not None:
            await self.meanwhile()
        return []

    async def among(self, uids):
        return []

    async def of_organization(self, organization_id):
        self.asked += 1
        return []


@pytest.fixture
def clients():
    return FakeClients()


@pytest.fixture
def fleet():
    return FakeFleet()


@pytest.fixture
def source():
    return FakeSource()


@pytest.fixture
def state():
    return FakeState()


@pytest.fixture
def clock():
    return FixedClock(datetime.now(UTC))


@dataclass
class Ticks:
    at: float = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def live(clients, source, state, fleet, clock, ticks, credentials):
    of_devices = {Topic.TELEMETRY: state.latest_among, Topic.PRESENCE: state.among, Topic.UPDATES: state.among}
    snapshots = SnapshotService(fleet, of_devices, {Topic.RELEASES: state.of_organization})
    live = LiveService(clients, fleet, snapshots, keys=credentials.keys, clock=clock, ticks=ticks)
    live.listen_to(source)
    return live


@pytest.fixture
def connect(live, credentials):
    def connect(sid, **claims):
        live.connect(sid, {"token": credentials.person(*SCOPES, **claims)})

    return connect


async def test_a_frame_that_comes_while_the_snapshot_is_read_is_not_missed(live, connect, clients, state):
    connect("a")
    state.meanwhile = lambda: live.deliver(frame("pump-1"))
    await live.subscribe("a", {"topics": ["telemetry"]})
    assert sorted(clients.events("a")) == ["snapshot", "telemetry"]


async def test_frames_are_asked_for_before_the_snapshot_and_only_where_somebody_watches(live, connect, source, state):
    connect("a")
    connect("b")
    followed = []

    async def look():
        followed.append(set(source.followed))

    state.meanwhile = look
    assert source.followed == set()
    await live.subscribe("a", None)
    assert followed == [{live_key(ORGANIZATION)}]
    state.meanwhile = None
    await live.subscribe("b", {"devices": ["pump-1"]})
    await live.unsubscribe("a", None)
    assert source.followed == {live_key(ORGANIZATION)}
    await live.disconnect("b")
    assert source.followed == set()


async def test_a_connection_that_ends_while_it_subscribes_leaves_nothing_behind(live, connect, clients, source, state):
    connect("a")
    ended = []

    async def end():
        ended.append(asyncio.create_task(live.disconnect("a")))
        await asyncio.sleep(0)

    state.meanwhile = end
    await live.subscribe("a", None)
    await asyncio.gather(*ended)
    assert all(not members for members in clients.rooms.values())
    assert source.followed == set()
    with pytest.raises(NotConnected):
        await live.subscribe("a", None)
    await live.deliver(frame("pump-1"))
    assert "telemetry" not in clients.events("a")


async def test_the_later_of_two_events_of_a_connection_wins(live, connect, clients, state):
    connect("a")
    gate = asyncio.Event()
    state.meanwhile = gate.wait
    first = asyncio.create_task(live.subscribe("a", None))
    await asyncio.sleep(0)
    second = asyncio.create_task(live.unsubscribe("a", None))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, second)
    assert all(not members for members in clients.rooms.values())


async def test_after_the_broker_was_away_every_watcher_gets_a_snapshot(live, connect, clients):
    for sid in ("a", "b", "c"):
        connect(sid)
    await live.subscribe("a", None)
    await live.subscribe("b", {"devices": ["pump-1"]})
    await live.resume()
    await eventually(lambda: clients.events("b") == ["snapshot"] * 2)
    assert [clients.events(sid) for sid in ("a", "b", "c")] == [["snapshot"] * 2, ["snapshot"] * 2, []]


@pytest.mark.parametrize("error", [StoreAway("it does not answer"), RuntimeError("unexpected")])
async def test_who_gets_no_snapshot_after_the_broker_was_away_is_let_go(live, connect, clients, state, error):
    connect("a")
    await live.subscribe("a", {"topics": ["telemetry"]})

    async def fail():
        raise error

    state.meanwhile = fail
    await live.resume()
    await eventually(lambda: clients.events("a") == ["snapshot", "disconnect"])


async def test_a_connection_ends_with_its_token(live, connect, clients, clock, credentials):
    connect("a", lifetime=timedelta(minutes=5))
    connect("b", lifetime=timedelta(minutes=5))
    clock.advance(timedelta(minutes=4))
    await live.authenticate("b", {"token": credentials.person("telemetry:read", lifetime=timedelta(minutes=15))})
    await live.end_expired()
    assert clients.sent == []
    clock.advance(timedelta(minutes=2))
    await live.end_expired()
    assert clients.sent == [("a", "disconnect", None)]


async def test_whose_token_is_revoked_is_disconnected(live, connect, clients, credentials):
    connect("a", session="s-1")
    connect("b", session="s-2")
    credentials.keys.revocations.replace([Revocation(Kind.SESSION, "s-1", 1)])
    await live.end_expired()
    credentials.keys.revocations.replace([])
    assert clients.sent == [("a", "disconnect", None)]


async def test_a_room_between_two_frames_keeps_the_newest_only(live, connect, clients, ticks):
    connect("a")
    await live.subscribe("a", {"topics": ["telemetry"]})
    for ts in range(1, 50):
        await live.deliver(frame("pump-1", ts=ts))
    assert clients.events("a") == ["snapshot", "telemetry"]
    ticks.at += FRAME_SECONDS
    await live.send_due()
    [first, last] = [data["items"] for _, event, data in clients.sent if event == "telemetry"]
    assert [first[0]["ts"], last[0]["ts"]] == [1, 49]


async def test_who_does_not_listen_holds_up_nobodys_snapshot(live, connect, clients):
    connect("a")
    connect("b")
    for sid in ("a", "b"):
        await live.subscribe(sid, None)
    gate = asyncio.Event()
    clients.listening["a"] = lambda _: gate.wait()
    await live.resume()
    await eventually(lambda: clients.events("b") == ["snapshot"] * 2)
    await live.deliver(frame("pump-1"))
    assert "telemetry" in clients.events("b")
    assert clients.events("a").count("snapshot") == 1
    gate.set()
    await eventually(lambda: clients.events("a").count("snapshot") == 2)


async def test_who_watches_a_group_sees_its_devices_and_who_comes_into_it(live, connect, clients, fleet, state, ticks):
    connect("a")
    await live.subscribe("a", {"groups": [7], "topics": ["telemetry"]})
    assert state.read == [["pump-1"]]
    await live.deliver(frame("pump-1", "pump-2"))
    fleet.groups[7], fleet.revision = ["pump-2"], 2
    await live.follow_groups()
    assert state.read == [["pump-1"], ["pump-2"]]
    last = [data["last"] for _, event, data in clients.sent if event == "snapshot"]
    assert last == [True, False], "what newcomers' snapshot leaves out is not over"
    ticks.at += FRAME_SECONDS
    await live.deliver(frame("pump-1", "pump-2", ts=2))
    frames = [[item["device_uid"] for item in data["items"]] for _, event, data in clients.sent if event == "telemetry"]
    assert frames == [["pump-1"], ["pump-2"]]


async def test_a_group_that_is_not_there_is_not_watched_and_one_that_goes_shows_nothing(live, connect, clients, fleet):
    connect("a")
    with pytest.raises(GroupNotFound):
        await live.subscribe("a", {"groups": [7, 8]})
    assert clients.rooms == {}
    await live.subscribe("a", {"groups": [7]})
    del fleet.groups[7]
    await live.follow_groups()
    await live.deliver(frame("pump-1"))
    assert clients.events("a") == ["snapshot"]


async def test_a_watched_group_is_searched_again_only_when_the_fleet_has_changed(live, connect, clients, fleet, state):
    connect("a")
    await live.subscribe("a", {"groups": [7], "topics": ["telemetry"]})
    await live.follow_groups()
    searched = fleet.searched
    for _ in range(3):
        await live.follow_groups()
    assert fleet.searched == searched
    fleet.groups[7], fleet.revision = ["pump-1", "pump-2"], 2
    await live.follow_groups()
    assert state.read[-1] == ["pump-2"]
    assert fleet.searched == searched + 1


async def test_nobody_asks_for_the_members_of_a_group_that_nobody_watches_any_more(live, connect, fleet):
    connect("a")
    await live.subscribe("a", {"groups": [7]})
    await live.disconnect("a")
    searched, fleet.revision = fleet.searched, fleet.revision + 1
    await live.follow_groups()
    assert fleet.searched == searched


async def test_what_is_about_no_device_comes_whatever_the_selection_and_is_left_when_it_is_named(
    live, connect, clients, state
):
    connect("a")
    await live.subscribe("a", {"devices": ["pump-1"]})
    assert state.asked == 1
    await live.unsubscribe("a", {"devices": ["pump-1"]})
    [common] = [room for room, sids in clients.rooms.items() if sids and room.startswith("releases/")]
    assert common == "releases/1/common"
    await live.unsubscribe("a", {"devices": ["pump-1"], "topics": ["releases", "batches", "configuration"]})
    assert [room for room, sids in clients.rooms.items() if sids] == []


async def test_what_a_token_may_see_is_asked_when_it_is_the_subscriptions_turn(live, connect, state, credentials):
    connect("a")
    gate = asyncio.Event()
    state.meanwhile = gate.wait
    first = asyncio.create_task(live.subscribe("a", {"topics": ["telemetry"]}))
    await asyncio.sleep(0)
    renewed = asyncio.create_task(live.authenticate("a", {"token": credentials.person("telemetry:read")}))
    await asyncio.sleep(0)
    late = asyncio.create_task(live.subscribe("a", {"topics": ["updates"]}))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, renewed)
    with pytest.raises(TopicNotAllowed):
        await late


async def test_rooms_that_are_sent_to_or_left_while_another_is_sent_to_hold_up_no_frame(live, connect, clients):
    uids = ("pump-1", "pump-2", "pump-3")
    for uid in uids:
        connect(uid)
        await live.subscribe(uid, {"devices": [uid], "topics": ["telemetry"]})
    emit = clients.emit

    async def meanwhile(event, data, *, to):
        clients.emit = emit
        await live.disconnect("pump-3")
        await live.send_due()
        await emit(event, data, to=to)

    clients.emit = meanwhile
    await live.deliver(frame(*uids))
    assert [clients.events(uid).count("telemetry") for uid in uids] == [1, 1, 0]
