"""Rooms and frames, with everything around them faked: what happens between two steps."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from monitoring.live.errors import NotConnected
from monitoring.live.service import LiveService
from shared.clock import FixedClock
from shared.contracts.live import TelemetryFrame, TelemetryItem
from shared.contracts.routes import live_key
from shared.messaging.deliveries import Delivery
from shared.revocations import Kind, Revocation
from shared.testing import eventually

ORGANIZATION = 1


def frame(*uids, ts=1):
    items = [TelemetryItem(uid, ts, {"temperature": 1.0}) for uid in uids]
    body = msgspec.json.encode(TelemetryFrame(ORGANIZATION, items))
    return Delivery(body, live_key(ORGANIZATION), None, {}, redelivered=False, timestamp=None)


class FakeClients:
    def __init__(self):
        self.rooms = {}
        self.sent = []

    async def enter(self, sid, room):
        self.rooms.setdefault(room, set()).add(sid)

    async def leave(self, sid, room):
        self.rooms.get(room, set()).discard(sid)

    async def emit(self, event, data, *, to):
        self.sent += [(sid, event, data) for sid in self.rooms.get(to, {to})]

    async def disconnect(self, sid):
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
    async def require_all(self, organization_id, uids):
        return None

    async def pages(self, organization_id):
        yield ["pump-1"]


class FakeState:
    """Telemetry, presence and updates; `meanwhile` happens while a snapshot is read."""

    def __init__(self):
        self.meanwhile = None

    async def latest_among(self, uids):
        if self.meanwhile is not None:
            await self.meanwhile()
        return []

    async def among(self, uids):
        return []


@pytest.fixture
def clients():
    return FakeClients()


@pytest.fixture
def source():
    return FakeSource()


@pytest.fixture
def state():
    return FakeState()


@pytest.fixture
def clock():
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def live(clients, source, state, clock, credentials):
    live = LiveService(clients, FakeFleet(), state, state, state, keys=credentials.keys, clock=clock)
    live.listen_to(source)
    return live


@pytest.fixture
def connect(live, credentials):
    def connect(sid, **claims):
        live.connect(sid, {"token": credentials.person("telemetry:read", "devices:read", **claims)})

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
    assert [clients.events(sid) for sid in ("a", "b", "c")] == [["snapshot"] * 2, ["snapshot"] * 2, []]


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


async def test_a_room_between_two_frames_keeps_the_newest_only(live, connect, clients):
    connect("a")
    await live.subscribe("a", {"topics": ["telemetry"]})
    for ts in range(1, 50):
        await live.deliver(frame("pump-1", ts=ts))
    assert clients.events("a") == ["snapshot", "telemetry"]

    async def is_sent_again() -> bool:
        await live.send_due()
        return clients.events("a").count("telemetry") == 2

    await eventually(is_sent_again)
    [first, last] = [data["items"] for _, event, data in clients.sent if event == "telemetry"]
    assert [first[0]["ts"], last[0]["ts"]] == [1, 49]
