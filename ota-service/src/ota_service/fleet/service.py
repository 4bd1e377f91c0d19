"""Use cases of the copy of the fleet."""

from collections.abc import Collection, Sequence
from typing import Protocol

from sqlalchemy import ColumnElement
from sqlmodel import col

from ota_service.fleet.errors import DeviceNotFound, DeviceRetired, DeviceTokenRevoked, GroupNotFound
from ota_service.fleet.models import SEARCHED, FleetDevice, FleetGroup
from ota_service.fleet.schemas import DeviceCaller, FleetDeviceRead, Selection
from ota_service.fleet.states import RETIRED
from ota_service.fleet.store import FleetStore, is_among, is_member
from shared.contracts.devices import DeviceState
from shared.contracts.groups import GroupDeleted, GroupState
from shared.http.principal import Principal
from shared.rql.parser import parse
from shared.rql.sql import compile_query


class Hears(Protocol):
    """Whoever wants to know which devices speak to us."""

    def heard(self, uid: str, *, for_s: int | None = None) -> None:
        """Never waits. `for_s` is for how long that is good, where the caller knows."""
        ...


class Spoken(Protocol):
    """As much of a device as decides whether a token may speak for it."""

    @property
    def device_uid(self) -> str: ...
    @property
    def lifecycle(self) -> str: ...
    @property
    def min_token_generation(self) -> int: ...


class FleetService:
    def __init__(self, store: FleetStore, presence: Hears) -> None:
        self._store = store
        self._presence = presence

    async def get(self, organization_id: int, uid: str) -> FleetDeviceRead:
        """Raises DeviceNotFound."""
        device = await self._store.find(organization_id, uid)
        if device is None:
            raise DeviceNotFound
        return FleetDeviceRead.model_validate(device, from_attributes=True)

    async def lock(self, organization_id: int, uids: Collection[str]) -> dict[str, FleetDeviceRead]:
        """Those of the organization's devices that the copy has, by uid; nobody changes them until the unit ends."""
        found = await self._store.lock(organization_id, uids)
        return {device["device_uid"]: FleetDeviceRead.model_validate(dict(device)) for device in found}

    async def caller(self, who: Principal, uid: str) -> DeviceCaller:
        """The device `uid`, for which its own or a gateway's verified token speaks.

        Raises DeviceNotFound, DeviceTokenRevoked, DeviceRetired.
        """
        caller = self.vouched(await self._store.find(who.organization_id, uid), who)
        self._presence.heard(uid)
        return caller

    @staticmethod
    def vouched(device: Spoken | None, who: Principal) -> DeviceCaller:
        """The same for a device that was looked up already in the principal's organization. Raises as `caller`."""
        if device is None:
            raise DeviceNotFound
        if who.is_device and (who.generation or 0) < device.min_token_generation:
            raise DeviceTokenRevoked
        if device.lifecycle == RETIRED:
            raise DeviceRetired
        by = "device" if who.is_device else f"gateway {who.subject}"
        return DeviceCaller(who.organization_id, device.device_uid, by)

    async def follow_groups(self, states: Sequence[GroupState]) -> None:
        """As `follow`, of groups."""
        newest: dict[int, GroupState] = {}
        for state in sorted(states, key=lambda state: state.version):
            newest[state.group_id] = state
        await self._store.put_newer_groups([_group_copy(newest[group_id]) for group_id in sorted(newest)])

    async def follow(self, states: Sequence[DeviceState]) -> None:
        """Takes over the newest state of each device; one that is older than the copy's changes nothing."""
        newest: dict[str, DeviceState] = {}
        for state in sorted(states, key=lambda state: state.version):
            newest[state.device_uid] = state
        # In the order of their keys, so that two workers never wait for each other in a circle.
        await self._store.put_newer([_copy(newest[uid]) for uid in sorted(newest)])


class SelectionService:
    """Which devices of the copy are meant, for whatever is done to many at once."""

    def __init__(self, store: FleetStore) -> None:
        self._store = store

    async def group(self, organization_id: int, reference: int | str) -> int:
        """The id of the group with this id or name. Raises GroupNotFound."""
        return (await self._group(organization_id, reference)).group_id

    async def conditions(self, organization_id: int, selection: Selection) -> Sequence[ColumnElement[bool]]:
        """What a selection comes to, for `insert ... select` beside `fleet.models.present_in`.

        Raises BadQuery, GroupNotFound.
        """
        if selection.uids is not None:
            return [is_among(selection.uids)]
        if selection.site_id is not None:
            return [col(FleetDevice.site_id) == selection.site_id]
        rql = selection.rql
        if selection.group_id is not None:
            group = await self._group(organization_id, selection.group_id)
            if group.rql is None:
                return [is_member(group.group_id)]
            rql = group.rql
        assert rql is not None  # noqa: S101 - a selection has one of the four
        return [compile_query(parse(rql), SEARCHED)]

    async def choose(
        self, organization_id: int, selection: Selection, *, after: str | None, limit: int
    ) -> list[FleetDeviceRead]:
        """The devices in the order of their uids, from the one after `after`, at most `limit`.

        Those that are not in the copy are left out. Raises BadQuery, QueryTooSlow, GroupNotFound.
        """
        where = await self.conditions(organization_id, selection)
        devices = await self._store.choose(organization_id, where, after=after or "", limit=limit)
        return [FleetDeviceRead.model_validate(device, from_attributes=True) for device in devices]

    async def count(self, organization_id: int, selection: Selection, *, limit: int) -> int:
        """How many there are, counted no further than `limit`. Raises BadQuery, QueryTooSlow, GroupNotFound."""
        where = await self.conditions(organization_id, selection)
        return await self._store.count(organization_id, where, limit=limit)

    async def _group(self, organization_id: int, reference: int | str) -> FleetGroup:
        group = await self._store.find_group(organization_id, reference)
        if group is None:
            raise GroupNotFound
        return group


def _copy(state: DeviceState) -> FleetDevice:
    return FleetDevice(
        device_uid=state.device_uid,
        device_id=state.device_id,
        organization_id=state.organization_id,
        name=state.name,
        device_type=state.device_type,
        serial_number=state.serial_number,
        hardware_version=state.hardware_version,
        firmware_version=state.firmware_version,
        reported_firmware_version=state.reported_firmware_version,
        lifecycle=state.lifecycle,
        updates_enabled=state.updates_enabled,
        attributes=state.attributes,
        tags=state.tags,
        group_ids=state.group_ids,
        site_id=state.site_id,
        min_token_generation=state.min_token_generation,
        version=state.version,
        registered_at=state.registered_at,
        changed_at=state.updated_at,
    )


def _group_copy(state: GroupState) -> FleetGroup:
    return FleetGroup(
        group_id=state.group_id,
        organization_id=state.organization_id,
        name=state.name,
        rql=state.rql,
        deleted=isinstance(state, GroupDeleted),
        version=state.version,
    )
