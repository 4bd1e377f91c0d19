"""Use cases of the copy of the fleet."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Protocol

import structlog

from monitoring.fleet.cache import ScopeCache
from monitoring.fleet.errors import DeviceNotFound, DeviceTokenRevoked, GroupNotFound
from monitoring.fleet.models import EVERYTHING, NOBODY, Device, Group, Scope
from monitoring.fleet.rules import is_within, meant, query_of
from monitoring.fleet.store import FleetStore
from shared.contracts.devices import PURGED, DeviceState
from shared.contracts.groups import GroupDeleted, GroupState
from shared.contracts.routes import DEVICE_UID
from shared.http.pagination import BadCursor, decode_cursor
from shared.rql.errors import BadQuery

_PAGE = 500
_OVER = frozenset({"retired", "purged"})
"""Lifecycles in which a device speaks no more."""

_log = structlog.get_logger(__name__)


class Newcomers(Protocol):
    """Whoever holds something back until the copy knows the device it belongs to."""

    async def attribute(self, uids: Sequence[str]) -> None:
        """These devices are known now. Called again for the same ones, so it must be idempotent."""
        ...


class FleetService:
    """`remembered` bounds the organizations held in memory; one never changes, so what is held is never stale."""

    def __init__(self, store: FleetStore, *, newcomers: Newcomers | None = None, remembered: int = 100_000) -> None:
        self._store = store
        self._newcomers = newcomers
        self._remembered = remembered
        self._organizations: dict[str, int] = {}

    async def follow(self, states: Sequence[DeviceState]) -> None:
        """Takes over the newest state of each device; one that is older than the copy's changes nothing."""
        newest: dict[str, DeviceState] = {}
        for state in sorted(states, key=lambda state: state.version):
            newest[state.device_uid] = state
        await self._store.put_newer([_copy(state) for state in newest.values()])
        await self._store.revise({state.organization_id for state in newest.values()})
        if self._newcomers is not None:
            await self._newcomers.attribute(list(newest))

    async def follow_groups(self, states: Sequence[GroupState]) -> None:
        """As `follow`, of groups."""
        newest: dict[int, GroupState] = {}
        for state in sorted(states, key=lambda state: state.version):
            newest[state.group_id] = state
        await self._store.put_newer_groups([_group_copy(state) for state in newest.values()])
        await self._store.revise({state.organization_id for state in newest.values()})

    async def get(self, organization_id: int, uid: str) -> Device:
        """Raises DeviceNotFound, also for another organization's device and for a purged one."""
        device = await self._store.find(uid)
        if device is None or device.organization_id != organization_id or device.lifecycle == PURGED:
            raise DeviceNotFound
        return device

    async def require_all(self, organization_id: int, uids: Sequence[str]) -> None:
        """Raises DeviceNotFound unless every one is the organization's, and none is purged."""
        if set(uids) - await self._store.present(organization_id, uids):
            raise DeviceNotFound

    async def among(self, organization_id: int, uids: Sequence[str]) -> list[Device]:
        """Those of these devices that are the organization's, in no order."""
        return [device for device in await self._store.find_all(uids) if device.organization_id == organization_id]

    async def organizations(self, uids: Iterable[str]) -> dict[str, int]:
        """The organization of each device that the copy knows."""
        found: dict[str, int] = {}
        unknown: list[str] = []
        for uid in set(uids):
            organization_id = self._organizations.get(uid)
            if organization_id is None:
                unknown.append(uid)
            else:
                found[uid] = organization_id
        if unknown:
            for uid, organization_id in (await self._store.organizations(unknown)).items():
                found[uid] = organization_id
                self._remember(uid, organization_id)
        return found

    async def pages(self, organization_id: int, *, after: str = "") -> AsyncIterator[list[str]]:
        """The organization's uids in order, beginning behind `after`, some hundreds at a time.

        The store is asked twice at most, for however many: SecantusDB looks at all that lie behind `after` each time.
        """
        page = await self._store.uids(organization_id, after=after, limit=_PAGE)
        if page:
            yield page
        if len(page) < _PAGE:
            return
        others = await self._store.uids(organization_id, after=page[-1])
        for start in range(0, len(others), _PAGE):
            yield others[start : start + _PAGE]

    async def members(self, organization_id: int, group_id: int) -> list[str]:
        """The uids in a group, in order. Raises GroupNotFound, and BadQuery when the copy lacks what its query asks."""
        return await self.scope(organization_id, Scope(group_id=group_id))

    async def revisions(self, organization_ids: Sequence[int]) -> dict[int, int]:
        """Of each organization a number that grows with every change of what `members` answers. Raises StoreAway.

        What was read before `members` was asked says that it need not be asked again while the number stays.
        """
        return await self._store.revisions(organization_ids)

    async def select(self, organization_id: int, rql: str) -> list[str]:
        """The uids of the devices that the query finds, in order. Raises BadQuery."""
        return await self.scope(organization_id, Scope(rql=rql))

    async def scope(self, organization_id: int, scope: Scope = EVERYTHING) -> list[str]:
        """The uids of the devices that are meant, in order; of those named by uid the ones that there are.

        A query looks at every device of the organization. Raises GroupNotFound and BadQuery.
        """
        if scope.group_id is not None:
            scope = meant(scope, await self._group(organization_id, scope.group_id))
        if scope.group_id is not None:
            return await self._store.members(organization_id, scope.group_id)
        if scope.device_uids is not None:
            devices = await self._store.find_all(sorted(scope.device_uids))
            return sorted(
                one.uid for one in devices if one.organization_id == organization_id and is_within(one, scope)
            )
        if scope.rql is None:
            return [uid async for page in self.pages(organization_id) for uid in page]
        query_of(scope.rql)
        return [one.uid async for page in self._store.devices(organization_id) for one in page if is_within(one, scope)]

    async def require(self, organization_id: int, scope: Scope) -> None:
        """Raises GroupNotFound, DeviceNotFound or BadQuery unless the scope can be asked for, without looking at it."""
        if scope.group_id is not None:
            scope = meant(scope, await self._group(organization_id, scope.group_id))
        await self.require_all(organization_id, list(scope.device_uids or ()))
        if scope.rql is not None:
            query_of(scope.rql)

    async def over(self, uids: Sequence[str]) -> set[str]:
        """Those of `uids` that speak no more: retired or purged. Raises StoreAway."""
        return {uid for uid, lifecycle in (await self._store.lifecycles(uids)).items() if lifecycle in _OVER}

    async def admit(self, uid: str, generation: int | None) -> None:
        """Lets a device's verified token in. Raises DeviceTokenRevoked.

        A device that the copy does not know yet is let in: nobody can have revoked a token the copy has not heard of.
        """
        device = await self._store.find(uid)
        if device is not None and (generation or 0) < device.min_token_generation:
            raise DeviceTokenRevoked

    async def admit_gateway(self, organization_id: int, uid: str) -> None:
        """Lets a gateway speak for a device. Raises DeviceNotFound unless the copy knows it as the organization's."""
        if (await self.get(organization_id, uid)).lifecycle in _OVER:
            raise DeviceNotFound

    async def _group(self, organization_id: int, group_id: int) -> Group:
        found = [one for one in await self._store.find_groups([group_id]) if one.organization_id == organization_id]
        if not found or found[0].deleted:
            raise GroupNotFound
        return found[0]

    def _remember(self, uid: str, organization_id: int) -> None:
        while len(self._organizations) >= self._remembered:
            del self._organizations[next(iter(self._organizations))]
        self._organizations[uid] = organization_id


class ScopeMatcher:
    """Which of the devices that report a scope means, from memory as far as it goes: answers are some seconds old."""

    def __init__(self, store: FleetStore, cache: ScopeCache) -> None:
        self._store = store
        self._cache = cache

    async def matches(self, organization_id: int, scope: Scope, uids: Collection[str]) -> set[str]:
        """Those of `uids` that are within the scope. One that cannot be asked, or whose group is gone, has none."""
        return (await self.matching(organization_id, [scope], uids))[scope]

    async def matching(
        self, organization_id: int, scopes: Collection[Scope], uids: Collection[str]
    ) -> dict[Scope, set[str]]:
        """As `matches`, of several scopes, with one look at the devices for all of them. Raises StoreAway."""
        known: dict[str, Mapping[Scope, bool] | None] = {uid: self._cache.get(uid, scopes) for uid in uids}
        if unknown := [uid for uid, within in known.items() if within is None]:
            targets = await self._meant(organization_id, scopes)
            devices = {one.uid: one for one in await self._store.find_all(unknown)}
            for uid in unknown:
                device = devices.get(uid)
                if device is None or device.organization_id != organization_id:
                    continue
                within = {scope: is_within(device, target) for scope, target in targets.items()}
                self._cache.put(uid, within)
                known[uid] = within
        return {scope: {uid for uid, within in known.items() if within and within[scope]} for scope in scopes}

    async def _meant(self, organization_id: int, scopes: Collection[Scope]) -> dict[Scope, Scope]:
        ids = [scope.group_id for scope in scopes if scope.group_id is not None]
        found = await self._store.find_groups(ids) if ids else []
        groups = {group.group_id: group for group in found if group.organization_id == organization_id}
        return {scope: _askable(meant(scope, groups.get(scope.group_id or 0))) for scope in scopes}


def _askable(scope: Scope) -> Scope:
    """The scope, or nobody in its place when the copy lacks what its query asks."""
    try:
        if scope.rql is not None:
            query_of(scope.rql)
    except BadQuery as error:
        _log.warning("a scope asks what the copy of the fleet lacks", reason=error.detail)
        return NOBODY
    return scope


def uid_in(cursor: str | None) -> str:
    """The uid behind which a page of devices begins. Raises BadCursor."""
    if cursor is None:
        return ""
    [uid] = decode_cursor(cursor, str)
    if not DEVICE_UID.fullmatch(uid):
        raise BadCursor
    return uid


def _copy(state: DeviceState) -> Device:
    return Device(
        uid=state.device_uid,
        organization_id=state.organization_id,
        lifecycle=state.lifecycle,
        min_token_generation=state.min_token_generation,
        version=state.version,
        device_id=state.device_id,
        name=state.name,
        device_type=state.device_type,
        serial_number=state.serial_number,
        hardware_version=state.hardware_version,
        firmware_version=state.firmware_version,
        reported_firmware_version=state.reported_firmware_version,
        updates_enabled=state.updates_enabled,
        attributes=state.attributes,
        reported_attributes=state.reported_attributes,
        tags=tuple(state.tags),
        group_ids=tuple(state.group_ids),
        site_id=state.site_id,
        registered_at=state.registered_at,
        updated_at=state.updated_at,
    )


def _group_copy(state: GroupState) -> Group:
    return Group(
        group_id=state.group_id,
        organization_id=state.organization_id,
        name=state.name,
        rql=state.rql,
        deleted=isinstance(state, GroupDeleted),
        version=state.version,
    )
