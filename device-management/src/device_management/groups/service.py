"""Use cases of groups: managing them and their members; and which devices a query or a group comes to."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement

from device_management.audit.schemas import Actor, Change
from device_management.audit.service import AuditService
from device_management.devices.models import SEARCHED, Device
from device_management.devices.schemas import DeviceFilter, DeviceRead
from device_management.devices.service import DeviceService
from device_management.groups.errors import GroupNameTaken, GroupNotFound, UnknownDevices, WrongGroupKind
from device_management.groups.events import audited, state_event
from device_management.groups.models import ChosenDevice, Group
from device_management.groups.schemas import (
    GroupChange,
    GroupCreate,
    GroupRead,
    Members,
    MembersChanged,
    Search,
    SearchRead,
    Selection,
)
from device_management.groups.states import GroupKind
from device_management.groups.store import GroupStore, is_member
from shared.clock import Clock
from shared.contracts.devices import DeviceChanged
from shared.contracts.groups import GroupChanged, GroupCreated, GroupDeleted, GroupSnapshot
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected
from shared.rql.parser import parse
from shared.rql.sql import compile_query
from shared.sql.unit_of_work import UnitOfWork

COUNTED = 100_000
"""As far as a search counts."""

_AUDITED_MEMBERS = 1_000
"""How many members one entry of the audit log names."""


class GroupScope:
    """Queries and groups as conditions on devices; `devices.service.DeviceScope`."""

    def __init__(self, store: GroupStore) -> None:
        self._store = store

    async def conditions(
        self, organization_id: int, *, rql: str | None = None, group_id: int | None = None
    ) -> Sequence[ColumnElement[bool]]:
        """Raises BadQuery, GroupNotFound."""
        queries = [] if rql is None else [rql]
        conditions: list[ColumnElement[bool]] = []
        if group_id is not None:
            group = await self._store.find(organization_id, group_id)
            if group is None:
                raise GroupNotFound
            if group.rql is None:
                conditions.append(is_member(group))
            else:
                queries.append(group.rql)
        return [*conditions, *(compile_query(parse(query), SEARCHED) for query in queries)]

    async def forget(self, device_id: int) -> None:
        await self._store.forget_device(device_id)


class SelectionService:
    """Which devices are meant, for people who look first and for whatever is done to many at once."""

    def __init__(self, store: GroupStore, scope: GroupScope, devices: DeviceService) -> None:
        self._store = store
        self._scope = scope
        self._devices = devices

    async def search(self, organization_id: int, body: Search) -> SearchRead:
        """Raises BadQuery, QueryTooSlow."""
        where = await self._scope.conditions(organization_id, rql=body.rql)
        count = await self._store.count(organization_id, where, limit=COUNTED + 1)
        sample = Page[DeviceRead](items=[])
        if body.sample:
            only = DeviceFilter(rql=body.rql)
            sample = await self._devices.page(organization_id, only=only, cursor=None, limit=body.sample)
        return SearchRead(count=min(count, COUNTED), exact=count <= COUNTED, sample=sample.items)

    async def condition(self, organization_id: int, selection: Selection) -> Sequence[ColumnElement[bool]]:
        """What a query or a group comes to, for `insert ... select` beside `devices.models.present_in`.

        Raises BadQuery, GroupNotFound.
        """
        return await self._scope.conditions(organization_id, rql=selection.rql, group_id=selection.group_id)

    async def chosen(
        self, organization_id: int, selection: Selection, *, after_id: int = 0, limit: int
    ) -> list[ChosenDevice]:
        """The devices in the order of their ids, from the one after `after_id`, at most `limit`.

        References to devices that are not there are left out. Raises BadQuery, QueryTooSlow, GroupNotFound.
        """
        if selection.references is not None:
            known = sorted(await self._store.known(organization_id, selection.references), key=lambda found: found.id)
            return [device for device in known if device.id > after_id][:limit]
        where = await self.condition(organization_id, selection)
        return await self._store.choose(organization_id, where, after_id=after_id, limit=limit)


class GroupService:
    def __init__(
        self, unit: UnitOfWork, store: GroupStore, devices: DeviceService, audit: AuditService, *, clock: Clock
    ) -> None:
        self._unit = unit
        self._store = store
        self._devices = devices
        self._audit = audit
        self._clock = clock

    async def create(self, organization_id: int, body: GroupCreate, *, by: Actor) -> GroupRead:
        """Raises GroupNameTaken, BadQuery."""
        _check(body.rql)
        now = self._clock.now()
        group = await self._store.add(
            Group(**body.model_dump(), organization_id=organization_id, created_at=now, updated_at=now)
        )
        if group is None:
            raise GroupNameTaken(body.name)
        self._unit.outbox.add(state_event(GroupCreated, group))
        await self._audit.record(organization_id, by, [_change(group, "created", after=audited(group))])
        return _read(group, members=0)

    async def get(self, organization_id: int, group_id: int) -> GroupRead:
        """Raises GroupNotFound."""
        return (await self._read_all([await self._find(organization_id, group_id)]))[0]

    async def page(self, organization_id: int, *, cursor: str | None, limit: int) -> Page[GroupRead]:
        """In the order they were made. Raises BadCursor."""
        after_id = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.page(organization_id, after_id=after_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda group: (group.id,))
        return Page(items=await self._read_all(kept), next=following)

    async def change(
        self, organization_id: int, group_id: int, body: GroupChange, *, by: Actor, expected: Expected
    ) -> GroupRead:
        """Raises GroupNotFound, Stale, GroupNameTaken, WrongGroupKind, BadQuery."""
        group = await self._lock(organization_id, group_id, expected)
        if body.rql is not None and group.kind is GroupKind.FIXED:
            raise WrongGroupKind("a fixed group has members and no query; make another group for the query")
        _check(body.rql)
        if body.name is not None and await self._store.name_is_taken(organization_id, body.name, but=group_id):
            raise GroupNameTaken(body.name)
        before = audited(group)
        group = await self._store.change(group, body.model_dump(exclude_unset=True))
        self._unit.outbox.add(state_event(GroupChanged, group))
        await self._audit.record(organization_id, by, [_change(group, "changed", before=before, after=audited(group))])
        return (await self._read_all([group]))[0]

    async def delete(self, organization_id: int, group_id: int, *, by: Actor, expected: Expected) -> None:
        """The devices stay. Raises GroupNotFound, Stale."""
        group = await self._lock(organization_id, group_id, expected)
        last = await self._store.change(group, {})
        await self._store.forget_group(last)
        await self._store.remove(last)
        self._unit.outbox.add(state_event(GroupDeleted, last))
        await self._audit.record(organization_id, by, [_change(group, "deleted", before=audited(group))])

    async def members(self, organization_id: int, group_id: int, *, cursor: str | None, limit: int) -> Page[DeviceRead]:
        """Raises GroupNotFound, BadCursor, QueryTooSlow."""
        only = DeviceFilter(group_id=group_id)
        return await self._devices.page(organization_id, only=only, cursor=cursor, limit=limit)

    async def add_members(self, organization_id: int, group_id: int, body: Members, *, by: Actor) -> MembersChanged:
        """All of them or, with UnknownDevices, none. Raises GroupNotFound, WrongGroupKind."""
        group = await self._lock_fixed(organization_id, group_id)
        known = await self._store.known(organization_id, body.references())
        names = {str(device.id) for device in known} | {device.device_uid for device in known}
        if unknown := [reference for reference in body.references() if reference not in names]:
            raise UnknownDevices(unknown)
        added = await self._store.add_members(group, [device.id for device in known])
        self._regrouped(await self._store.put_in(group, added))
        return await self._membership_changed(group, "members_added", known, added, by=by)

    async def remove_members(self, organization_id: int, group_id: int, body: Members, *, by: Actor) -> MembersChanged:
        """One that is no member is no error. Raises GroupNotFound, WrongGroupKind."""
        group = await self._lock_fixed(organization_id, group_id)
        known = await self._store.known(organization_id, body.references())
        removed = await self._store.remove_members(group, [device.id for device in known])
        self._regrouped(await self._store.take_out(group, removed))
        return await self._membership_changed(group, "members_removed", known, removed, by=by)

    async def tell(self, organization_id: int | None) -> None:
        """Tells the present state of all groups again; None means of all organizations."""
        for group in await self._store.all_of(organization_id):
            self._unit.outbox.add(state_event(GroupSnapshot, group))

    def _regrouped(self, devices: Sequence[Device]) -> None:
        self._devices.tell(DeviceChanged, devices)
        self._devices.changed(devices)

    async def _membership_changed(
        self, group: Group, action: str, known: Sequence[ChosenDevice], changed: Sequence[int], *, by: Actor
    ) -> MembersChanged:
        ids = set(changed)
        uids = sorted(device.device_uid for device in known if device.id in ids)
        chunks = [uids[start : start + _AUDITED_MEMBERS] for start in range(0, len(uids), _AUDITED_MEMBERS)]
        await self._audit.record(
            group.organization_id, by, [_change(group, action, after={"devices": chunk}) for chunk in chunks]
        )
        return MembersChanged(changed=len(ids), members=(await self._read_all([group]))[0].members or 0)

    async def _find(self, organization_id: int, group_id: int) -> Group:
        group = await self._store.find(organization_id, group_id)
        if group is None:
            raise GroupNotFound
        return group

    async def _lock(self, organization_id: int, group_id: int, expected: Expected | None = None) -> Group:
        group = await self._store.find(organization_id, group_id, lock=True)
        if group is None:
            raise GroupNotFound
        if expected is not None:
            expected.require(group.version)
        return group

    async def _lock_fixed(self, organization_id: int, group_id: int) -> Group:
        group = await self._lock(organization_id, group_id)
        if group.kind is not GroupKind.FIXED:
            raise WrongGroupKind("a query group finds its members by itself")
        return group

    async def _read_all(self, groups: Sequence[Group]) -> list[GroupRead]:
        counts = await self._store.counts([_id(group) for group in groups])
        return [_read(group, members=counts.get(_id(group), 0)) for group in groups]


def _check(rql: str | None) -> None:
    if rql is not None:
        compile_query(parse(rql), SEARCHED)


def _read(group: Group, *, members: int) -> GroupRead:
    shown = members if group.kind is GroupKind.FIXED else None
    return GroupRead.model_validate({**group.model_dump(), "kind": group.kind, "members": shown})


def _id(group: Group) -> int:
    assert group.id is not None  # noqa: S101 - it comes from the database
    return group.id


def _change(
    group: Group, action: str, *, before: dict[str, object] | None = None, after: dict[str, object] | None = None
) -> Change:
    return Change("group", str(_id(group)), action, before=before, after=after)
