"""Live streams: frames out of the workers, and the people who watch them in an api replica."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

import msgspec
import structlog
from prometheus_client import Counter, Gauge

from monitoring.fleet.service import FleetService
from monitoring.live.errors import AnotherPerson, NotConnected, TooManyDevices, TopicNotAllowed
from monitoring.live.rules import FRAME_SECONDS, TOPICS, Conflation, conflation
from monitoring.live.schemas import MAX_DEVICES, Credentials, Selection, Snapshot, Subscribed
from monitoring.live.states import SCOPES, Room, Topic
from monitoring.presence.service import PresenceService
from monitoring.telemetry.service import TelemetryService
from monitoring.updates.service import UpdateService
from shared.clock import Clock
from shared.contracts.live import (
    Frame,
    PresenceFrame,
    PresenceItem,
    TelemetryFrame,
    TelemetryItem,
    UpdateFrame,
    UpdateItem,
)
from shared.contracts.routes import LIVE_EXCHANGE, live_key
from shared.http.principal import Principal, authenticate
from shared.messaging.deliveries import Delivery
from shared.messaging.publisher import Message, Publisher
from shared.tokens import Audience, KeyRing

_CONNECTIONS = Gauge("muster_live_connections", "People's live connections to this replica")
_FRAMES = Counter("muster_live_frames_total", "Frames given to rooms, or to the broker", ["topic", "to"])

_ITEMS_A_FRAME = 1_000

_decoder = msgspec.json.Decoder(Frame)
_encoder = msgspec.json.Encoder()
_log = structlog.get_logger(__name__)


class FrameSender:
    """In a worker: what has happened since the last frame, an organization at a time.

    Frames are worth nothing when late, so a broker that is away loses them and nobody waits.
    """

    SECONDS = FRAME_SECONDS / 4
    """Between two frames of an organization. A room of many waits longer; who watches one device need not."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._pending: dict[tuple[type[Frame], int], Conflation] = {}
        self._woken = asyncio.Event()

    def telemetry(self, organization_id: int, items: Iterable[TelemetryItem]) -> None:
        self._keep(TelemetryFrame, organization_id, items)

    def presence(self, organization_id: int, items: Iterable[PresenceItem]) -> None:
        self._keep(PresenceFrame, organization_id, items)

    def updates(self, organization_id: int, items: Iterable[UpdateItem]) -> None:
        self._keep(UpdateFrame, organization_id, items)

    async def run(self) -> None:
        """Sends until cancelled: at once after a pause, then one frame an organization in every `SECONDS`."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            frames = self._take()
            outcomes = await self._publisher.publish_all([_message(frame) for frame in frames])
            if lost := [outcome for outcome in outcomes if outcome is not None]:
                _log.info("live frames lost", frames=len(lost), reason=type(lost[0]).__name__)
            await asyncio.sleep(self.SECONDS)

    def _keep(self, kind: type[Frame], organization_id: int, items: Iterable[Any]) -> None:
        self._pending.setdefault((kind, organization_id), conflation(TOPICS[kind])).add(items)
        self._woken.set()

    def _take(self) -> list[Frame]:
        pending, self._pending = self._pending, {}
        return [
            kind(organization_id, part)
            for (kind, organization_id), kept in pending.items()
            for part in _parts(kept.take())
        ]


class Clients(Protocol):
    """The open connections of this replica, by id (`sid`)."""

    async def enter(self, sid: str, room: str) -> None: ...

    async def leave(self, sid: str, room: str) -> None: ...

    async def emit(self, event: str, data: Any, *, to: str) -> None:
        """To one connection or one room. Never waits for a client."""
        ...

    async def disconnect(self, sid: str) -> None: ...


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

    def __init__(
        self,
        clients: Clients,
        fleet: FleetService,
        telemetry: TelemetryService,
        presence: PresenceService,
        updates: UpdateService,
        *,
        keys: KeyRing,
        clock: Clock,
    ) -> None:
        self._clients = clients
        self._fleet = fleet
        self._telemetry = telemetry
        self._presence = presence
        self._updates = updates
        self._keys = keys
        self._clock = clock
        self._source: Source | None = None
        self._watchers: dict[str, _Watcher] = {}
        self._members: dict[Room, set[str]] = {}
        self._pending: dict[Room, Conflation] = {}
        self._sent_at: dict[Room, float] = {}

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

        Raises BadRequest, TopicNotAllowed, DeviceNotFound, TooManyDevices and StoreAway; nothing is joined then.
        """
        selection = Selection.of(payload)
        watcher = self._watcher(sid)
        who = watcher.principal
        async with watcher.turn:
            topics = _allowed(who, selection)
            await self._fleet.require_all(who.organization_id, selection.devices or ())
            rooms = _rooms(who, selection, topics)
            if len({room.device_uid for room in watcher.rooms | rooms if room.device_uid}) > MAX_DEVICES:
                raise TooManyDevices(f"a connection watches at most {MAX_DEVICES} single devices")
            if self._watchers.get(sid) is not watcher:
                raise NotConnected
            await self._join(sid, watcher, rooms)
            await self._send_snapshot(sid, rooms)
        return _subscribed(selection, topics)

    async def unsubscribe(self, sid: str, payload: Any) -> Subscribed:
        """Leaves the rooms of the selection; those never joined do not matter. Raises BadRequest."""
        selection = Selection.of(payload)
        topics = selection.topics or tuple(Topic)
        watcher = self._watcher(sid)
        async with watcher.turn:
            await self._leave(sid, watcher, _rooms(watcher.principal, selection, topics) & watcher.rooms)
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
            await self._clients.disconnect(sid)

    async def deliver(self, delivery: Delivery) -> None:
        """A frame from a worker, for whichever rooms there are. Raises ValueError for one that is none."""
        frame = _decoder.decode(delivery.body)
        self._keep(TOPICS[type(frame)], frame.organization_id, frame.items)
        await self.send_due()

    async def send_due(self) -> None:
        """Sends what rooms are owed whose last frame is long enough ago."""
        now = monotonic()
        due = [room for room in self._pending if self._sent_at.get(room, 0.0) + FRAME_SECONDS <= now]
        for room in due:
            items = self._pending.pop(room).take()
            self._sent_at[room] = now
            _FRAMES.labels(room.topic, "room").inc()
            await self._clients.emit(room.topic.event, {"items": msgspec.to_builtins(items)}, to=room.name)

    async def resume(self) -> None:
        """Frames were lost with the connection to the broker: everybody gets the state anew."""
        for sid, watcher in list(self._watchers.items()):
            async with watcher.turn:
                if watcher.rooms:
                    await self._send_snapshot(sid, watcher.rooms)

    def _keep(self, topic: Topic, organization_id: int, items: Sequence[Any]) -> None:
        everybody = Room(topic, organization_id, None)
        if everybody in self._members:
            self._pending.setdefault(everybody, conflation(topic)).add(items)
        for item in items:
            room = Room(topic, organization_id, item.device_uid)
            if room in self._members:
                self._pending.setdefault(room, conflation(topic)).add([item])

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

    async def _send_snapshot(self, sid: str, rooms: set[Room]) -> None:
        """State of what the rooms show, some hundreds of devices a snapshot and at least one."""
        topics = {room.topic for room in rooms}
        organization_id = next(iter(rooms)).organization_id
        if all(room.device_uid for room in rooms):
            uids = sorted({room.device_uid for room in rooms if room.device_uid})
            await self._clients.emit("snapshot", await self._snapshot(topics, uids), to=sid)
            return
        sent = False
        async for uids in self._fleet.pages(organization_id):
            await self._clients.emit("snapshot", await self._snapshot(topics, uids), to=sid)
            sent = True
        if not sent:
            await self._clients.emit("snapshot", await self._snapshot(topics, []), to=sid)

    async def _snapshot(self, topics: set[Topic], uids: Sequence[str]) -> dict[str, Any]:
        telemetry = await self._telemetry.latest_among(uids) if Topic.TELEMETRY in topics else []
        presence = await self._presence.among(uids) if Topic.PRESENCE in topics else []
        known = [one for one in presence if one.version]
        updates = await self._updates.among(uids) if Topic.UPDATES in topics else []
        return Snapshot(telemetry=telemetry, presence=known, updates=msgspec.to_builtins(updates)).model_dump(
            mode="json"
        )


def _allowed(who: Principal, selection: Selection) -> Sequence[Topic]:
    """The topics asked for; of a selection that names none, those that the token may have. Raises TopicNotAllowed."""
    lacking = [topic for topic in selection.topics or Topic if SCOPES[topic] not in who.scopes]
    allowed = tuple(topic for topic in selection.topics or Topic if topic not in lacking)
    if lacking and (selection.topics or not allowed):
        raise TopicNotAllowed(f"the topic {lacking[0]} needs the scope {SCOPES[lacking[0]]}")
    return allowed


def _rooms(who: Principal, selection: Selection, topics: Sequence[Topic]) -> set[Room]:
    devices = selection.devices or (None,)
    return {Room(topic, who.organization_id, uid) for topic in topics for uid in devices}


def _subscribed(selection: Selection, topics: Sequence[Topic]) -> Subscribed:
    devices = None if selection.devices is None else len(set(selection.devices))
    return Subscribed(topics=[topic for topic in Topic if topic in topics], devices=devices)


def _parts(items: list[Any]) -> Iterable[list[Any]]:
    return (items[start : start + _ITEMS_A_FRAME] for start in range(0, len(items), _ITEMS_A_FRAME))


def _message(frame: Frame) -> Message:
    _FRAMES.labels(TOPICS[type(frame)], "broker").inc()
    return Message(
        exchange=LIVE_EXCHANGE,
        routing_key=live_key(frame.organization_id),
        body=_encoder.encode(frame),
        mandatory=False,
        persistent=False,
    )
