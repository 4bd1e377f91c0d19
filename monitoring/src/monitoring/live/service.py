"""Live streams: the people who watch in a replica of the api, and the rooms that they watch in."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

import msgspec
import structlog
from prometheus_client import Gauge

from monitoring.fleet.errors import GroupNotFound
from monitoring.fleet.service import FleetService
from monitoring.frames.models import FRAME_SECONDS, TOPICS, Conflation, conflation
from monitoring.frames.service import SENT
from monitoring.live.errors import AnotherPerson, NotConnected, TooManyDevices, TooManyGroups, TopicNotAllowed
from monitoring.live.rules import Memberships
from monitoring.live.schemas import MAX_DEVICES, MAX_GROUPS, Credentials, Selection, Subscribed
from monitoring.live.states import COMMON, EVERYTHING, Room
from monitoring.snapshots.service import SnapshotService, View
from monitoring.snapshots.states import COMMON_TOPICS, DEVICE_TOPICS, SCOPES, Topic
from shared.clock import Clock
from shared.contracts.live import Frame
from shared.contracts.routes import live_key
from shared.errors import ServiceUnavailable
from shared.http.principal import Principal, authenticate
from shared.messaging.deliveries import Delivery
from shared.rql.errors import BadQuery
from shared.tokens import Audience, KeyRing

_CONNECTIONS = Gauge("muster_live_connections", "People's live connections to this replica")

_decoder = msgspec.json.Decoder(Frame)
_log = structlog.get_logger(__name__)


class Clients(Protocol):
    """The open connections of this replica, by id (`sid`)."""

    async def enter(self, sid: str, room: str) -> None: ...

    async def leave(self, sid: str, room: str) -> None: ...

    async def emit(self, event: str, data: Any, *, to: str) -> None:
        """To one connection or one room. Never waits for a client."""
        ...

    async def drained(self, sid: str) -> None:
        """Waits until the connection has read what it was sent, or has ended."""
        ...

    async def disconnect(self, sid: str, reason: str) -> None:
        """`reason` is a word for the count of those that were ended."""
        ...


class Source(Protocol):
    """Where frames come from, by routing key."""

    async def follow(self, key: str) -> None: ...

    async def unfollow(self, key: str) -> None: ...


@dataclass(slots=True)
class _Watcher:
    principal: Principal
    rooms: set[Room] = field(default_factory=set[Room])
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One event of a connection at a time: the later of two must win."""


class LiveService:
    """In an api replica: who watches what, and the frames they get, at most five a second and room."""

    GROUP_SECONDS = 5.0
    """How soon it is seen who comes into a watched group, or leaves it."""

    def __init__(
        self,
        clients: Clients,
        fleet: FleetService,
        snapshots: SnapshotService,
        *,
        keys: KeyRing,
        clock: Clock,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        """`ticks` are seconds that only grow, for the pace of frames."""
        self._clients = clients
        self._fleet = fleet
        self._snapshots = snapshots
        self._keys = keys
        self._clock = clock
        self._ticks = ticks
        self._source: Source | None = None
        self._watchers: dict[str, _Watcher] = {}
        self._members: dict[Room, set[str]] = {}
        self._groups = Memberships()
        self._pending: dict[Room, Conflation] = {}
        self._sent_at: dict[Room, float] = {}
        self._resuming: set[asyncio.Task[None]] = set()

    def listen_to(self, source: Source) -> None:
        """Takes frames from `source`, which hands them to `deliver`. Called once, before anybody connects."""
        self._source = source

    def connect(self, sid: str, auth: Any) -> None:
        """Lets a person in. Raises BadRequest, Unauthenticated and Forbidden."""
        principal = authenticate(self._keys, Credentials.of(auth).token, Audience.PEOPLE)
        self._watchers[sid] = _Watcher(principal)
        _CONNECTIONS.set(len(self._watchers))

    async def disconnect(self, sid: str) -> None:
        """Forgets the connection."""
        watcher = self._watchers.pop(sid, None)
        _CONNECTIONS.set(len(self._watchers))
        if watcher is not None:
            async with watcher.turn:
                await self._leave(sid, watcher, set(watcher.rooms))

    async def subscribe(self, sid: str, payload: Any) -> Subscribed:
        """Joins the rooms of the selection first and sends their snapshot then, so that nothing falls in between.

        Raises BadRequest, TopicNotAllowed, DeviceNotFound, GroupNotFound, TooManyDevices, TooManyGroups and StoreAway;
        nothing is joined then.
        """
        selection = Selection.of(payload)
        watcher = self._watcher(sid)
        async with watcher.turn:
            who = watcher.principal
            topics = _allowed(who, selection)
            await self._fleet.require_all(who.organization_id, selection.devices or ())
            groups = {one: await self._fleet.members(who.organization_id, one) for one in selection.groups or ()}
            rooms = _rooms(who, selection, topics)
            _require_few(watcher.rooms | rooms)
            if self._watchers.get(sid) is not watcher:
                raise NotConnected
            for group_id, uids in groups.items():
                self._groups.begin(who.organization_id, group_id, uids)
            await self._join(sid, watcher, rooms)
            await self._send_snapshot(sid, rooms)
        return _subscribed(selection, topics)

    async def unsubscribe(self, sid: str, payload: Any) -> Subscribed:
        """Leaves the rooms of the selection; those never joined do not matter. Raises BadRequest.

        What is about no device is left with the whole organization, or when its topic is named.
        """
        selection = Selection.of(payload)
        topics = selection.topics or tuple(Topic)
        watcher = self._watcher(sid)
        async with watcher.turn:
            rooms = _rooms(watcher.principal, selection, topics) & watcher.rooms
            if not selection.is_whole and selection.topics is None:
                rooms = {room for room in rooms if room.of != COMMON}
            await self._leave(sid, watcher, rooms)
        return _subscribed(selection, topics)

    async def authenticate(self, sid: str, payload: Any) -> None:
        """Replaces the token of a live connection; rooms whose scope the new one lacks are left.

        Raises BadRequest, Unauthenticated, Forbidden and AnotherPerson; the old token stays then.
        """
        watcher = self._watcher(sid)
        async with watcher.turn:
            principal = authenticate(self._keys, Credentials.of(payload).token, Audience.PEOPLE)
            before = watcher.principal
            if (principal.subject, principal.organization_id) != (before.subject, before.organization_id):
                raise AnotherPerson
            watcher.principal = principal
            lost = {room for room in watcher.rooms if SCOPES[room.topic] not in principal.scopes}
            await self._leave(sid, watcher, lost)

    async def end_expired(self) -> None:
        """Disconnects those whose token has expired or has been revoked."""
        now, refuses = self._clock.now(), self._keys.revocations.refuses
        principals = {sid: watcher.principal for sid, watcher in self._watchers.items()}
        for sid in [sid for sid, who in principals.items() if who.expires_at <= now or refuses(who)]:
            await self._clients.disconnect(sid, "token_expired")

    async def deliver(self, delivery: Delivery) -> None:
        """A frame from a worker, for whichever rooms there are. Raises ValueError for one that is none."""
        frame = _decoder.decode(delivery.body)
        self._keep(TOPICS[type(frame)], frame.organization_id, frame.items)
        await self.send_due()

    async def send_due(self) -> None:
        """Sends what rooms are owed whose last frame is long enough ago."""
        now = self._ticks()
        due = [room for room in self._pending if self._sent_at.get(room, 0.0) + FRAME_SECONDS <= now]
        for room in due:
            kept = self._pending.pop(room, None)
            if kept is None:  # while the one before was sent, another call has sent it, or nobody watches any more
                continue
            self._sent_at[room] = now
            items = kept.take()
            SENT.labels(room.topic, "room").inc()
            await self._clients.emit(room.topic.event, {"items": msgspec.to_builtins(items)}, to=room.name)

    async def resume(self) -> None:
        """Frames were lost with the connection to the broker: everybody gets the state anew. Frames do not wait."""
        for sid, watcher in list(self._watchers.items()):
            task = asyncio.create_task(self._resume(sid, watcher))
            self._resuming.add(task)
            task.add_done_callback(self._resuming.discard)

    async def _resume(self, sid: str, watcher: _Watcher) -> None:
        async with watcher.turn:
            if watcher.rooms:
                try:
                    await self._send_snapshot(sid, watcher.rooms)
                except ServiceUnavailable as error:
                    _log.warning("no snapshot after the broker was away", reason=error.code)
                    await self._clients.disconnect(sid, "no_snapshot")
                except Exception:  # noqa: BLE001 - whatever it is: its client would keep an old state
                    _log.exception("no snapshot after the broker was away")
                    await self._clients.disconnect(sid, "no_snapshot")

    async def follow_groups(self) -> None:
        """Looks who is in the watched groups of organizations whose fleet has changed; of those who have come, watchers
        get a snapshot. Raises StoreAway.

        It names newcomers alone, so no part of it ends a snapshot: what it leaves out is not over.
        """
        watched = self._groups.watched()
        revisions = await self._fleet.revisions(sorted({organization_id for organization_id, _ in watched}))
        for organization_id, group_id in watched:
            if not self._rooms_of_group(organization_id, group_id):
                self._groups.drop(organization_id, group_id)
            elif not self._groups.is_current(organization_id, group_id, revisions[organization_id]):
                await self._follow_group(organization_id, group_id, revisions[organization_id])

    async def _follow_group(self, organization_id: int, group_id: int, revision: int) -> None:
        try:
            uids = await self._fleet.members(organization_id, group_id)
        except (GroupNotFound, BadQuery):
            uids = []
        come = sorted(self._groups.put(organization_id, group_id, uids, revision=revision))
        if come:
            for room in self._rooms_of_group(organization_id, group_id):
                async for part in self._snapshots.parts(organization_id, [View({room.topic}, come)], ()):
                    await self._clients.emit("snapshot", {**part, "last": False}, to=room.name)

    def _keep(self, topic: Topic, organization_id: int, items: Sequence[Any]) -> None:
        for item in items:
            for room in self._rooms_about(topic, organization_id, getattr(item, "device_uid", None)):
                if room in self._members:
                    kept = self._pending.get(room)
                    if kept is None:
                        kept = self._pending[room] = conflation(topic)
                    kept.add((item,))

    def _rooms_about(self, topic: Topic, organization_id: int, uid: str | None) -> Iterable[Room]:
        if uid is None:
            return (Room(topic, organization_id, COMMON),)
        groups = self._groups.groups_of(organization_id, uid)
        return (
            Room(topic, organization_id, EVERYTHING),
            Room.device(topic, organization_id, uid),
            *(Room.group(topic, organization_id, group_id) for group_id in groups),
        )

    def _rooms_of_group(self, organization_id: int, group_id: int) -> list[Room]:
        rooms = (Room.group(topic, organization_id, group_id) for topic in Topic)
        return [room for room in rooms if room in self._members]

    def _watcher(self, sid: str) -> _Watcher:
        watcher = self._watchers.get(sid)
        if watcher is None:
            raise NotConnected
        return watcher

    async def _join(self, sid: str, watcher: _Watcher, rooms: set[Room]) -> None:
        for room in rooms - watcher.rooms:
            self._members.setdefault(room, set()).add(sid)
            watcher.rooms.add(room)
        if self._source is not None:
            await self._source.follow(live_key(watcher.principal.organization_id))
        for room in rooms:
            await self._clients.enter(sid, room.name)

    async def _leave(self, sid: str, watcher: _Watcher, rooms: set[Room]) -> None:
        for room in rooms:
            watcher.rooms.discard(room)
            members = self._members.get(room, set())
            members.discard(sid)
            if not members:
                self._members.pop(room, None)
                self._pending.pop(room, None)
                self._sent_at.pop(room, None)
            await self._clients.leave(sid, room.name)
        organization_id = watcher.principal.organization_id
        if (
            rooms
            and self._source is not None
            and all(room.organization_id != organization_id for room in self._members)
        ):
            await self._source.unfollow(live_key(organization_id))

    async def _send_snapshot(self, sid: str, rooms: Collection[Room]) -> None:
        """State of what the rooms show. The next part waits until the client has taken in those before."""
        organization_id = next(iter(rooms)).organization_id
        common = {room.topic for room in rooms if room.of == COMMON}
        async for part in self._snapshots.parts(organization_id, self._views(rooms), common):
            await self._clients.drained(sid)
            await self._clients.emit("snapshot", part, to=sid)

    def _views(self, rooms: Collection[Room]) -> list[View]:
        """What the rooms show, topics with the same devices together."""
        uids: dict[Topic, set[str] | None] = {}
        for room in rooms:
            if room.of == EVERYTHING:
                uids[room.topic] = None
            elif room.of != COMMON:
                shown = uids.setdefault(room.topic, set())
                if shown is not None:
                    shown.update(self._shown_in(room))
        views: dict[frozenset[str] | None, set[Topic]] = {}
        for topic, shown in uids.items():
            views.setdefault(None if shown is None else frozenset(shown), set()).add(topic)
        return [View(topics, None if shown is None else sorted(shown)) for shown, topics in views.items()]

    def _shown_in(self, room: Room) -> Collection[str]:
        if room.group_id is not None:
            return self._groups.members(room.organization_id, room.group_id)
        return {room.device_uid} if room.device_uid else set()


def _allowed(who: Principal, selection: Selection) -> Sequence[Topic]:
    """The topics asked for; of a selection that names none, those that the token may have. Raises TopicNotAllowed."""
    lacking = [topic for topic in selection.topics or Topic if SCOPES[topic] not in who.scopes]
    allowed = tuple(topic for topic in selection.topics or Topic if topic not in lacking)
    if lacking and (selection.topics or not allowed):
        raise TopicNotAllowed(f"the topic {lacking[0]} needs the scope {SCOPES[lacking[0]]}")
    return allowed


def _rooms(who: Principal, selection: Selection, topics: Sequence[Topic]) -> set[Room]:
    rooms = {Room(topic, who.organization_id, COMMON) for topic in topics if topic in COMMON_TOPICS}
    for topic in topics:
        if topic not in DEVICE_TOPICS:
            continue
        if selection.is_whole:
            rooms.add(Room(topic, who.organization_id, EVERYTHING))
        rooms |= {Room.device(topic, who.organization_id, uid) for uid in selection.devices or ()}
        rooms |= {Room.group(topic, who.organization_id, group_id) for group_id in selection.groups or ()}
    return rooms


def _require_few(rooms: Collection[Room]) -> None:
    """Raises TooManyDevices, TooManyGroups."""
    if len({room.device_uid for room in rooms if room.device_uid is not None}) > MAX_DEVICES:
        raise TooManyDevices(f"a connection watches at most {MAX_DEVICES} single devices")
    if len({room.group_id for room in rooms if room.group_id is not None}) > MAX_GROUPS:
        raise TooManyGroups(f"a connection watches at most {MAX_GROUPS} groups")


def _subscribed(selection: Selection, topics: Sequence[Topic]) -> Subscribed:
    return Subscribed(
        topics=[topic for topic in Topic if topic in topics],
        devices=None if selection.is_whole else len(set(selection.devices or ())),
        groups=None if selection.is_whole else len(set(selection.groups or ())),
    )
