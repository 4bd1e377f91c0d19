"""Use cases of devices: read, list, edit, move in their life, and refuse their tokens."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from pydantic_core import PydanticCustomError
from sqlalchemy import ColumnElement

from device_management.audit.schemas import Actor, AuditEntryRead
from device_management.audit.service import AuditService
from device_management.devices.cache import Answer, Changed, DeviceCache, Entry, Listing
from device_management.devices.errors import (
    DeviceIsRetired,
    DeviceNotFound,
    UnacceptableAttributes,
    WrongTransition,
)
from device_management.devices.events import audited, change, read, state_event
from device_management.devices.models import Device
from device_management.devices.rules import may_move, merged
from device_management.devices.schemas import (
    DeviceEdit,
    DeviceFilter,
    DeviceInfo,
    DeviceInfoRead,
    DeviceRead,
    DeviceStatusRead,
    storable_json,
)
from device_management.devices.states import Lifecycle, Status
from device_management.devices.store import DeviceStore
from shared.contracts.devices import (
    PURGED,
    DeviceChanged,
    DevicePurged,
    DeviceRetired,
    DeviceState,
    DeviceTokenRevoked,
)
from shared.errors import DomainError
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected
from shared.sql.unit_of_work import UnitOfWork

_MOVES = {
    Lifecycle.IN_STOCK: "recalled",
    Lifecycle.DEPLOYED: "deployed",
    Lifecycle.MAINTENANCE: "put_in_maintenance",
}
"""What the audit log calls each way of life."""

_EMPTIED = {
    "name": None,
    "device_type": None,
    "serial_number": None,
    "hardware_version": None,
    "firmware_version": None,
    "firmware_confirmed": True,
    "reported_firmware_version": None,
    "reported_attributes": dict[str, Any](),
    "reported_at": None,
    "lifecycle": PURGED,
    "reported_status": Status.IDLE,
    "updates_enabled": False,
    "attributes": dict[str, Any](),
    "tags": list[str](),
    "group_ids": list[int](),
    "site_id": None,
    "online": None,
    "current_action_id": None,
    "action_status": None,
}
"""What a purge leaves of a device, besides its uid, its organization, versions and generations."""


class DeviceScope(Protocol):
    """What devices cannot know by themselves: which of them a query finds or a group holds."""

    async def conditions(
        self, organization_id: int, *, rql: str | None, group_id: int | None
    ) -> Sequence[ColumnElement[bool]]:
        """Conditions on devices that the query and the group, where given, come to. Raises errors of both."""
        ...

    async def forget(self, device_id: int) -> None:
        """The device is purged: no group holds it any more."""
        ...


class DeviceService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: DeviceStore,
        cache: DeviceCache,
        audit: AuditService,
        scope: DeviceScope,
    ) -> None:
        self._unit = unit
        self._store = store
        self._cache = cache
        self._audit = audit
        self._scope = scope

    async def get(self, organization_id: int, reference: str) -> Answer:
        """One DeviceRead as JSON, by id or uid, at most 5 s older than the last change. Raises DeviceNotFound."""
        cached = await self._cache.get(organization_id, reference)
        if cached is not None:
            return cached
        read_at = await self._cache.time_ms()
        device = await self._find(organization_id, reference)
        entry = _entry(device)
        if read_at is not None:
            await self._cache.fill(entry, read_at)
        return entry.answer()

    async def info(self, organization_id: int, reference: str) -> DeviceInfoRead:
        """Raises DeviceNotFound."""
        device = read(await self._find(organization_id, reference))
        info = DeviceInfo.model_validate({**device.model_dump(), "id": device.device_uid, "type": device.device_type})
        return DeviceInfoRead(message=f"device {device.device_uid}", device_info=info)

    async def page(
        self, organization_id: int, *, only: DeviceFilter, cursor: str | None, limit: int
    ) -> Page[DeviceRead]:
        """Devices in the order of their registration. Raises BadCursor, BadQuery, QueryTooSlow, GroupNotFound."""
        after_id = decode_cursor(cursor, int)[0] if cursor else 0
        where = await self._scope.conditions(organization_id, rql=only.rql, group_id=only.group_id)
        rows = await self._store.page(organization_id, only=only, where=where, after_id=after_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda device: (device.id,))
        return Page(items=[read(device) for device in kept], next=following)

    async def listing(self, organization_id: int, *, only: DeviceFilter, cursor: str | None, limit: int) -> Listing:
        """`page` as JSON, at most 5 s older than the last change.

        A group's is read anew each time: who is in it is not this slice's to follow.
        """
        look = await self._cache.look(organization_id, f"{only} {cursor} {limit}") if only.group_id is None else None
        if look is not None and look.found is not None:
            return look.found
        page = await self.page(organization_id, only=only, cursor=cursor, limit=limit)
        listing = Listing(page.next, page.model_dump_json().encode())
        if look is not None:
            await self._cache.fill_page(look, listing)
        return listing

    async def history(
        self, organization_id: int, reference: str, *, cursor: str | None, limit: int
    ) -> Page[AuditEntryRead]:
        """Who changed the device, newest first. Raises DeviceNotFound, BadCursor."""
        device = await self._find(organization_id, reference)
        return await self._audit.page(
            organization_id, kind="device", subject_id=str(device.id), cursor=cursor, limit=limit
        )

    async def edit(
        self, organization_id: int, reference: str, body: DeviceEdit, *, merge: bool, by: Actor, expected: Expected
    ) -> DeviceRead:
        """Sets what the body names; `merge` takes its attributes as a merge patch (RFC 7396), else as the whole.

        Raises DeviceNotFound, Stale, DeviceIsRetired, UnacceptableAttributes.
        """
        device = await self._lock(organization_id, reference, expected)
        if device.lifecycle == Lifecycle.RETIRED:
            raise DeviceIsRetired
        return read(await self._change(device, _edited(device, body, merge=merge), "edited", by=by))

    async def edit_many(
        self, organization_id: int, edits: Mapping[str, DeviceEdit], *, by: Actor, dry: bool = False
    ) -> dict[str, bool | DomainError]:
        """Merges what the bodies name into devices, by uid; one that is refused stops no other.

        Answers whether each differed, or why it was refused; a uid that is not there is left out. With `dry` nothing
        is changed.
        """
        outcomes: dict[str, bool | DomainError] = {}
        changes: list[tuple[Device, dict[str, Any]]] = []
        for device in await self._store.lock_many(organization_id, list(edits)):
            try:
                edited = _edited(device, edits[device.device_uid], merge=True)
            except DomainError as error:
                outcomes[device.device_uid] = error
                continue
            differs = any(getattr(device, name) != value for name, value in edited.items())
            if differs and device.lifecycle == Lifecycle.RETIRED:
                outcomes[device.device_uid] = DeviceIsRetired()
                continue
            outcomes[device.device_uid] = differs
            if differs and not dry:
                changes.append((device, edited))
        before = {device.id: audited(device) for device, _ in changes}
        saved = await self._store.save_many(changes)
        self.tell(DeviceChanged, saved)
        entries = [change(device.id, "edited", before=before[device.id], after=audited(device)) for device in saved]
        await self._audit.record(organization_id, by, entries)
        self.changed(saved)
        return outcomes

    async def move(
        self, organization_id: int, reference: str, to: Lifecycle, *, by: Actor, expected: Expected
    ) -> DeviceRead:
        """Moves the device in its life; where it already is, nothing changes.

        Raises DeviceNotFound, Stale, WrongTransition.
        """
        return read(await self._move(await self._lock(organization_id, reference, expected), to, by=by))

    async def set_status(
        self, organization_id: int, reference: str, status: Lifecycle | Status, *, by: Actor, expected: Expected
    ) -> DeviceStatusRead:
        """Moves the lifecycle, or sets what the device shows while it is in service and nothing else says more.

        Raises DeviceNotFound, Stale, WrongTransition, DeviceIsRetired.
        """
        device = await self._lock(organization_id, reference, expected)
        previous = read(device).status
        if isinstance(status, Lifecycle):
            device = await self._move(device, status, by=by)
        elif device.lifecycle == Lifecycle.RETIRED:
            raise DeviceIsRetired
        else:
            device = await self._change(device, {"reported_status": status}, "status_set", by=by)
        shown = read(device)
        return DeviceStatusRead(
            **shown.model_dump(),
            message=f"status of {shown.device_uid} set to {status}",
            previous_status=previous,
            current_status=shown.status,
        )

    async def purge(self, organization_id: int, reference: str, *, by: Actor, expected: Expected) -> None:
        """Forgets all of the device but that its uid was used here. Raises DeviceNotFound, Stale."""
        device = await self._lock(organization_id, reference, expected)
        device = await self._store.save(device, _EMPTIED, revoking=True)
        self.tell(DevicePurged, [device])
        await self._scope.forget(_id(device))
        await self._audit.record(organization_id, by, [change(device.id, "purged", before=None, after=None)])
        self.changed([device])

    async def in_service(self, organization_id: int, reference: str) -> Device:
        """The device, unless it is over. Raises DeviceNotFound, DeviceIsRetired."""
        device = await self._find(organization_id, reference)
        if device.lifecycle == Lifecycle.RETIRED:
            raise DeviceIsRetired
        return device

    async def refuse_tokens(self, organization_id: int, reference: str, *, below: int | None = None, by: Actor) -> None:
        """Refuses the device's tokens below that generation, or all so far, and ends its connections.

        A generation that is refused already changes nothing. Raises DeviceNotFound.
        """
        device = await self._lock(organization_id, reference)
        below = device.newest_token_generation + 1 if below is None else below
        if below <= device.min_token_generation:
            return
        before = audited(device)
        device = await self._store.refuse_tokens(device, below)
        await self._note(device, DeviceTokenRevoked, "tokens_revoked", before=before, by=by)

    async def uid_of(self, organization_id: int, reference: str) -> str:
        """The uid of the device with this id or uid. Raises DeviceNotFound."""
        return (await self._find(organization_id, reference)).device_uid

    def tell(self, kind: type[DeviceState], devices: Sequence[Device]) -> None:
        """An event of `kind` of each, with its whole public state."""
        for device in devices:
            self._unit.outbox.add(state_event(kind, device))

    def changed(self, devices: Sequence[Changed]) -> None:
        """After the commit nobody reads these devices, or a list of them, as they were."""

        async def forget() -> None:
            await self._cache.forget(devices)

        if devices:
            self._unit.after_commit(forget)
            self.lists_changed({device.organization_id for device in devices})

    def lists_changed(self, organization_ids: Iterable[int]) -> None:
        """After the commit nobody reads a list of these organizations as it was."""

        async def forget_pages() -> None:
            await self._cache.forget_pages(organization_ids)

        self._unit.after_commit(forget_pages)

    async def _find(self, organization_id: int, reference: str) -> Device:
        device = await self._store.find(organization_id, reference)
        if device is None:
            raise DeviceNotFound
        return device

    async def _lock(self, organization_id: int, reference: str, expected: Expected | None = None) -> Device:
        """The device, which nobody else changes until this unit ends, in a version that the caller expects."""
        device = await self._store.lock(organization_id, reference)
        if device is None:
            raise DeviceNotFound
        if expected is not None:
            expected.require(device.version)
        return device

    async def _move(self, device: Device, to: Lifecycle, *, by: Actor) -> Device:
        if device.lifecycle == to:
            return device
        if not may_move(device.lifecycle, to):
            raise WrongTransition(device.lifecycle, to)
        if to is not Lifecycle.RETIRED:
            return await self._change(device, {"lifecycle": to}, _MOVES[to], by=by)
        before = audited(device)
        device = await self._store.save(device, {"lifecycle": to}, revoking=True)
        await self._note(device, DeviceRetired, "retired", before=before, by=by)
        return device

    async def _change(self, device: Device, changes: dict[str, Any], action: str, *, by: Actor) -> Device:
        """The locked device's next version with its event and audit entry; none when nothing would differ."""
        if all(getattr(device, name) == value for name, value in changes.items()):
            return device
        before = audited(device)
        device = await self._store.save(device, changes)
        await self._note(device, DeviceChanged, action, before=before, by=by)
        return device

    async def _note(
        self, device: Device, kind: type[DeviceState], action: str, *, before: dict[str, Any] | None, by: Actor
    ) -> None:
        """Tells of a new version: the event, the audit log, and the cache after the commit."""
        self.tell(kind, [device])
        entry = change(device.id, action, before=before, after=audited(device))
        await self._audit.record(device.organization_id, by, [entry])
        self.changed([device])


def _edited(device: Device, body: DeviceEdit, *, merge: bool) -> dict[str, Any]:
    """The members that the body names as they are to be. Raises UnacceptableAttributes."""
    changes = body.given()
    if merge and body.attributes is not None:
        changes["attributes"] = _storable(merged(device.attributes, body.attributes))
    return changes


def _storable(attributes: dict[str, Any]) -> dict[str, Any]:
    try:
        return storable_json(attributes)
    except PydanticCustomError as error:
        raise UnacceptableAttributes(f"the merged attributes: {error.message()}") from None


def _id(device: Device) -> int:
    assert device.id is not None  # noqa: S101 - it comes from the database
    return device.id


def _entry(device: Device) -> Entry:
    return Entry(
        organization_id=device.organization_id,
        references=(str(device.id), device.device_uid),
        revision=device.revision,
        etag=f'"{device.version}"',
        body=read(device).model_dump_json().encode(),
    )
