"""Use cases of resyncs: begin one, look at it, and tell the next devices."""

from collections.abc import Collection, Sequence
from typing import Protocol

from device_management.devices.service import DeviceService
from device_management.groups.service import GroupService
from device_management.organizations.service import OrganizationService
from device_management.resync.errors import ResyncForbidden, ResyncNotFound
from device_management.resync.models import Resync
from device_management.resync.schemas import ResyncCreate, ResyncRead
from device_management.resync.store import ResyncStore
from device_management.revocations.service import RevocationService
from shared.contracts.devices import DeviceSnapshot
from shared.sql.steps import carrying_on
from shared.sql.unit_of_work import UnitOfWork

CHUNK = 500
"""Devices told in one transaction."""

BACKLOG = 2_000
"""Events that wait for the relay; with more than these a resync waits too, and holds up no news."""


class BelongsToDevices(Protocol):
    """What is told together with the devices that it belongs to."""

    async def tell_again(self, device_ids: Sequence[int]) -> None: ...


class BelongsToOrganizations(Protocol):
    """What is told at once; None means everybody's."""

    async def tell_again(self, organization_id: int | None) -> None: ...


class ResyncService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: ResyncStore,
        organizations: OrganizationService,
        revocations: RevocationService,
        devices: DeviceService,
        groups: GroupService,
        *,
        with_devices: Sequence[BelongsToDevices],
        at_once: Sequence[BelongsToOrganizations],
    ) -> None:
        self._unit = unit
        self._store = store
        self._organizations = organizations
        self._revocations = revocations
        self._devices = devices
        self._groups = groups
        self._with_devices = with_devices
        self._at_once = at_once

    async def begin(self, organization_id: int, body: ResyncCreate, *, by: str, scopes: Collection[str]) -> ResyncRead:
        """A durable job that tells every device's state again; what there is less of is told at once.

        That is organizations, groups and configuration jobs, and for the whole platform what is refused.
        Raises ResyncForbidden.
        """
        needed = "platform:admin" if body.everyone else "organization:admin"
        if needed not in scopes:
            raise ResyncForbidden(needed)
        total, up_to_id = await self._store.extent(None if body.everyone else organization_id)
        resync = await self._store.add(
            organization_id, everyone=body.everyone, requested_by=by, total=total, up_to_id=up_to_id
        )
        only = None if body.everyone else organization_id
        await self._organizations.tell_again(only)
        await self._groups.tell(only)
        for what in self._at_once:
            await what.tell_again(only)
        if body.everyone:
            await self._revocations.tell_again(organization_id)
        return _read(resync)

    async def get(self, organization_id: int, resync_id: int) -> ResyncRead:
        """Raises ResyncNotFound."""
        resync = await self._store.find(organization_id, resync_id)
        if resync is None:
            raise ResyncNotFound
        return _read(resync)

    async def step(self) -> bool:
        """Tells the next devices of one resync in this transaction. False when there is nothing to do just now.

        Raises StepFailed.
        """
        if await self._unit.outbox.is_longer_than(BACKLOG):
            return False
        resync = await self._store.claim()
        if resync is None:
            return False
        resync_id = resync.id or 0
        with carrying_on(resync_id):
            await self._carry_on(resync)
        return True

    async def put_off(self, subject: int, seconds: float) -> None:
        """Leaves a resync aside for a while that could not be carried on."""
        await self._store.put_off(subject, seconds)

    async def _carry_on(self, resync: Resync) -> None:
        organization_id = None if resync.everyone else resync.organization_id
        devices = await self._store.span(
            organization_id, after_id=resync.after_id, up_to_id=resync.up_to_id, limit=CHUNK
        )
        self._devices.tell(DeviceSnapshot, devices)
        told = [device.id for device in devices if device.id is not None]
        for what in self._with_devices:
            await what.tell_again(told)
        ended = len(told) < CHUNK
        after_id = resync.up_to_id if ended else told[-1]
        await self._store.step(resync, after_id=after_id, told=len(told), ended=ended)


def _read(resync: Resync) -> ResyncRead:
    state = "running" if resync.completed_at is None else "completed"
    return ResyncRead.model_validate({**resync.model_dump(), "state": state})
