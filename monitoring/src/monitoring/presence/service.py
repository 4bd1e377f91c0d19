"""Use cases of presence: follow connections, and say who is online."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from monitoring.fleet.service import FleetService, uid_in
from monitoring.presence.events import event_of, item_of
from monitoring.presence.gateway import BrokerConnections
from monitoring.presence.models import Change, Closed, Connection, Observation, Opened, Presence, Sign
from monitoring.presence.rules import apply, fall_silent, hear, observation
from monitoring.presence.schemas import PresenceRead
from monitoring.presence.store import PresenceStore
from shared.clock import Clock
from shared.contracts.live import PresenceItem
from shared.contracts.routes import DEVICE_UID
from shared.contracts.signs import Signs
from shared.http.pagination import Page, page_of
from shared.ids import Ids
from shared.messaging.deliveries import Delivery, Rejected
from shared.outbox.documents import pending

LISTED_WITHIN = timedelta(seconds=90)
"""How old a connection may be that the management API does not list yet: it gathers its list once a minute, which is
`collect_statistics_interval` of the broker.
"""

_SILENT_AT_ONCE = 500
_REMEMBERED = 100_000

_signs = msgspec.json.Decoder(Signs)

_Key = tuple[str, str, int]


class PresenceService:
    """Reads."""

    def __init__(self, store: PresenceStore, fleet: FleetService) -> None:
        self._store = store
        self._fleet = fleet

    async def page(
        self,
        organization_id: int,
        *,
        uid: str | None = None,
        online: bool | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> Page[PresenceRead]:
        """The organization's devices by uid, or one of them. Raises DeviceNotFound and BadCursor."""
        if uid is not None:
            await self._fleet.get(organization_id, uid)
            return Page(items=_only(await self.among([uid]), online))
        found: list[PresenceRead] = []
        async for uids in self._fleet.pages(organization_id, after=uid_in(cursor)):
            found += _only(await self.among(uids), online)
            if len(found) > limit:
                break
        items, following = page_of(found, limit, lambda presence: (presence.device_uid,))
        return Page(items=list(items), next=following)

    async def among(self, uids: Sequence[str]) -> list[PresenceRead]:
        """Of devices that the caller has found to be the organization's, in the order of `uids`."""
        found = {presence.device_uid: presence for presence in await self._store.find_all(uids)}
        return [_read(uid, found.get(uid)) for uid in uids]

    async def state(self, organization_id: int, uid: str) -> Presence | None:
        """As it is stored; None for one that was never there. Raises DeviceNotFound."""
        await self._fleet.get(organization_id, uid)
        return next(iter(await self._store.find_all([uid])), None)

    async def heard_of(self, uids: Sequence[str]) -> list[PresenceRead]:
        """Of these devices, those that were ever there."""
        return [presence for presence in await self.among(uids) if presence.version]


class LivePresence(Protocol):
    """Whoever shows presence to people who are watching."""

    def presence(self, organization_id: int, items: Sequence[PresenceItem]) -> None: ...


class PresenceTracker:
    """Follows the broker's connections. `services` are the broker's users that are no devices."""

    def __init__(
        self,
        store: PresenceStore,
        fleet: FleetService,
        broker: BrokerConnections,
        live: LivePresence,
        *,
        clock: Clock,
        ids: Ids,
        source: str,
        services: frozenset[str],
        wake_relay: Callable[[], None],
        settle: timedelta = timedelta(seconds=8),
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._broker = broker
        self._live = live
        self._clock = clock
        self._ids = ids
        self._source = source
        self._services = services
        self._wake_relay = wake_relay
        self._settle_s = settle.total_seconds()

    async def take(self, deliveries: Sequence[Delivery]) -> list[Rejected]:
        """Follows events of the broker; returns those that are none. Raises StoreAway."""
        seen: list[Observation] = []
        rejected: list[Rejected] = []
        for index, delivery in enumerate(deliveries):
            try:
                one = observation(delivery.routing_key, delivery.headers)
            except ValueError as error:
                rejected.append(Rejected(index, str(error)))
            else:
                seen += [one] if one is not None else []
        await self.follow(seen)
        return rejected

    async def follow(self, observations: Sequence[Observation]) -> None:
        """Takes over what was observed, in order. Following it again changes nothing.

        Raises StoreAway.
        """
        seen = [one for one in observations if isinstance(one, Closed) or one.device_uid not in self._services]
        opened = sorted({one.device_uid for one in seen if isinstance(one, Opened)})
        closed = sorted({one.name for one in seen if isinstance(one, Closed)})
        while True:
            found = [*await self._store.find_all(opened), *await self._store.on_connections(closed)]
            present = {presence.device_uid: presence for presence in found}
            changes = apply(list(present.values()), seen)
            if await self._write(changes):
                break
        touched = {**present, **{uid: change.presence for uid, change in changes.items()}}
        await self.attribute([uid for uid, presence in touched.items() if presence.organization_id is None])
        self._show([presence for presence in touched.values() if presence.organization_id is not None])

    async def hear(self, signs: Mapping[str, Sign]) -> set[str]:
        """Takes over who was heard of, by uid; returns those who hold a connection, and so need no sign.

        Hearing it again changes nothing. Raises StoreAway.
        """
        changed: set[str] = set()
        while True:
            present = {presence.device_uid: presence for presence in await self._store.find_all(list(signs))}
            changes = hear(present, signs)
            changed |= {uid for uid, change in changes.items() if change.news}
            if await self._write(changes):
                break
        after = {**present, **{uid: change.presence for uid, change in changes.items()}}
        await self._tell([after[uid] for uid in changed])
        return {uid for uid, presence in present.items() if presence.is_connected}

    async def end_silent(self) -> None:
        """Whoever was not heard again in time is offline. Any number of workers may ask. Raises StoreAway."""
        while found := await self._store.silent(self._clock.now(), _SILENT_AT_ONCE):
            changes = fall_silent(found, self._clock.now())
            if await self._write(changes):
                await self._tell([change.presence for change in changes.values()])
            if len(found) < _SILENT_AT_ONCE:
                return

    async def _tell(self, presences: Sequence[Presence]) -> None:
        """Shows them, and those that belong to nobody yet as soon as the copy of the fleet knows them."""
        await self.attribute([one.device_uid for one in presences if one.organization_id is None])
        self._show([one for one in presences if one.organization_id is not None])

    async def attribute(self, uids: Sequence[str]) -> None:
        """Gives devices that the copy of the fleet knows by now their organization, and tells of them.

        The copy is asked after the presence was written, and this is called after the copy was: whichever is the later
        finds the other.
        """
        attributed: dict[str, Presence] = {}
        while True:
            orphans = [one for one in await self._store.find_all(uids) if one.organization_id is None]
            known = await self._fleet.organizations(orphan.device_uid for orphan in orphans)
            found = [replace(one, organization_id=known[one.device_uid]) for one in orphans if one.device_uid in known]
            attributed |= {one.device_uid: one for one in found}
            if await self._write({one.device_uid: Change(one, [one]) for one in found}):
                break
        self._show(list(attributed.values()))

    async def reconcile(self) -> None:
        """Compares what is stored with the connections there are: events are lost when the broker dies.

        A connection counts as gone when it is missing twice, some seconds apart, and is old enough to be listed: the
        management API lags behind the events. Raises StoreAway and BrokerManagementAway.
        """
        listed_from = int((self._clock.now() - LISTED_WITHIN).timestamp() * 1000)
        stored = {_key(one.device_uid, one.connection): one for one in await self._store.connected()}
        live = await self._live_connections()
        gone = {key for key in stored.keys() - live.keys() if stored[key].connection.connected_at < listed_from}
        if gone:
            await asyncio.sleep(self._settle_s)
            live = await self._live_connections()
        now = int(self._clock.now().timestamp() * 1000)
        opened: list[Observation] = [live[key] for key in live.keys() - stored.keys()]
        lost = [stored[key].connection for key in gone - live.keys()]
        await self.follow([*opened, *(Closed(one.pid, one.name, now) for one in lost)])

    async def _live_connections(self) -> dict[_Key, Opened]:
        found = [one for one in await self._broker.live() if DEVICE_UID.fullmatch(one.device_uid)]
        return {_key(one.device_uid, one.connection): one for one in found}

    async def _write(self, changes: dict[str, Change]) -> bool:
        """False when somebody else changed one of them meanwhile."""
        if not changes:
            return True
        organizations = await self._fleet.organizations(
            uid for uid, change in changes.items() if change.presence.organization_id is None
        )
        for uid, organization_id in organizations.items():
            change = changes[uid]
            change.presence = replace(change.presence, organization_id=organization_id)
            change.news = change.news or [change.presence]
        unsent = {
            uid: [
                pending(
                    event_of(news, change.presence.organization_id),
                    source=self._source,
                    clock=self._clock,
                    ids=self._ids,
                )
                for news in change.news
            ]
            for uid, change in changes.items()
            if change.presence.organization_id is not None
        }
        written = await self._store.write([change.presence for change in changes.values()], unsent)
        self._wake_relay()
        return written

    def _show(self, presences: Sequence[Presence]) -> None:
        by_organization: dict[int, list[PresenceItem]] = defaultdict(list)
        for presence in presences:
            if presence.organization_id is not None:
                by_organization[presence.organization_id].append(item_of(presence))
        for organization_id, items in by_organization.items():
            self._live.presence(organization_id, items)


def _key(uid: str, connection: Connection) -> _Key:
    """What both the events and the management API say of a connection."""
    return uid, connection.name, connection.connected_at


def _read(device_uid: str, presence: Presence | None) -> PresenceRead:
    if presence is None:
        return PresenceRead(device_uid=device_uid, online=False, connected=False, since=None, version=0)
    return PresenceRead(
        device_uid=device_uid,
        online=presence.online,
        connected=presence.is_connected,
        since=presence.since,
        version=presence.version,
    )


def _only(presences: list[PresenceRead], online: bool | None) -> list[PresenceRead]:
    return [presence for presence in presences if online is None or presence.online == online]


class SignCollector:
    """In a worker: who was heard of, until it is written down, one sign a device and at most one in `again_after`.

    Those who hold a connection are asked about less often. `usual` is how long a sign is good that does not say so.
    """

    SECONDS = 2.0

    def __init__(
        self,
        tracker: PresenceTracker,
        *,
        clock: Clock,
        usual: timedelta,
        again_after: timedelta = timedelta(seconds=30),
        connected_again_after: timedelta = timedelta(minutes=5),
    ) -> None:
        self._tracker = tracker
        self._clock = clock
        self._usual = usual
        self._again_after = again_after
        self._connected_again_after = connected_again_after
        self._signs: dict[str, Sign] = {}
        self._again_at: dict[str, datetime] = {}

    def heard(self, uid: str, said: datetime | None = None) -> None:
        """Something of the device came in over the broker."""
        self._keep(uid, Sign(self._clock.now(), self._usual, said))

    async def take(self, delivery: Delivery) -> None:
        """What another service heard over HTTP. Raises ValueError for what is no such message."""
        signs = _signs.decode(delivery.body)
        at = min(_moment(signs.at), self._clock.now())
        for uid, for_s in signs.heard.items():
            self._keep(uid, Sign(at, self._usual if for_s is None else timedelta(seconds=for_s)))

    async def flush(self) -> None:
        """Writes down what was collected. Raises StoreAway, and it is lost: the next sign follows."""
        signs, self._signs = self._signs, {}
        if signs:
            again_at = self._clock.now() + self._connected_again_after
            for uid in await self._tracker.hear(signs):
                self._again_at[uid] = again_at

    def _keep(self, uid: str, sign: Sign) -> None:
        again_at = self._again_at.get(uid)
        if again_at is not None and sign.at < again_at:
            return
        while len(self._again_at) >= _REMEMBERED:
            del self._again_at[next(iter(self._again_at))]
        self._again_at[uid] = sign.at + self._again_after
        self._signs[uid] = sign


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
