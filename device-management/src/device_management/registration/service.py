"""Use cases of registration: devices come to an organization, one or thousands."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import structlog

from device_management.audit.schemas import Actor
from device_management.audit.service import AuditService
from device_management.audit.states import ActorKind
from device_management.devices.schemas import DeviceRead
from device_management.devices.service import DeviceService
from device_management.devices.states import Lifecycle
from device_management.organizations.errors import (
    DeviceLimitReached,
    GatewaysRegisterNothing,
    OrganizationIsSuspended,
    OrganizationNotFound,
)
from device_management.organizations.service import OrganizationService
from device_management.registration.errors import BatchTooLarge, DeviceUidRepeated, DeviceUidTaken, UnacceptableUid
from device_management.registration.events import Telling, begun, described
from device_management.registration.models import NewDevice, Stored
from device_management.registration.rules import first_states, uid_problem
from device_management.registration.schemas import (
    BatchAnswer,
    BatchFailure,
    DeviceCreate,
    Members,
    Proposal,
    Registered,
)
from device_management.registration.store import RegistrationStore
from shared.clock import Clock
from shared.contracts.device_requests import DeviceRegistrationRequested
from shared.contracts.devices import DeviceRegistered, subject_of
from shared.errors import DomainError
from shared.ids import Ids
from shared.outbox.writing import WrittenEvent
from shared.sql.unit_of_work import UnitOfWork

_WRITTEN_AT_ONCE = 100
"""Others have their turn in between: other requests, and the statement that is under way meanwhile."""

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Told:
    """What is said of new devices, in the order of their uids: to the other services, in the audit log (id and state),
    and, by uid, in the answer.
    """

    def __init__(self) -> None:
        self.events: list[WrittenEvent] = []
        self.entries: list[tuple[str, bytes]] = []
        self.answers: dict[str, Registered] = {}


class RegistrationService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: RegistrationStore,
        devices: DeviceService,
        audit: AuditService,
        organizations: OrganizationService,
        *,
        batch_limit: int,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._unit = unit
        self._store = store
        self._devices = devices
        self._audit = audit
        self._organizations = organizations
        self._batch_limit = batch_limit
        self._clock = clock
        self._ids = ids

    async def register(self, organization_id: int, body: DeviceCreate, *, by: Actor) -> DeviceRead:
        """Raises OrganizationNotFound, OrganizationIsSuspended, GatewaysRegisterNothing, UnacceptableUid,
        DeviceUidTaken, DeviceLimitReached.
        """
        [outcome] = await self.register_many(organization_id, [body], by=by)
        if isinstance(outcome, DomainError):
            raise outcome
        return DeviceRead.model_validate_json(outcome.read)

    async def register_batch(self, organization_id: int, bodies: Sequence[Proposal], *, by: Actor) -> BatchAnswer:
        """Raises BatchTooLarge; whatever else keeps a device from being registered is in the answer."""
        if len(bodies) > self._batch_limit:
            raise BatchTooLarge(self._batch_limit)
        outcomes = await self.register_many(organization_id, bodies, by=by)
        successful, failed = list[Registered](), list[BatchFailure]()
        async with _meanwhile(self._unit.outbox.flush()):
            for some in _in_turns(list(zip(bodies, outcomes, strict=True))):
                for body, outcome in some:
                    if isinstance(outcome, DomainError):
                        failed.append(BatchFailure(device=body.given(), error=outcome.detail, code=outcome.code))
                    else:
                        successful.append(outcome)
                await asyncio.sleep(0)
            return BatchAnswer.of(successful, failed)

    async def register_many(
        self, organization_id: int, bodies: Sequence[Proposal], *, by: Actor
    ) -> list[Registered | DomainError]:
        """Registers each on its own, and answers each in its place: one that is refused stops no other.

        Raises OrganizationNotFound, OrganizationIsSuspended, and GatewaysRegisterNothing where a gateway asks.
        """
        if by.kind is ActorKind.GATEWAY:
            await self._organizations.require_gateways_register(organization_id)
        async with _meanwhile(self._reserved(organization_id, len(bodies))) as reserving:
            proposed, outcomes = await self._proposed(organization_id, bodies)
        room, ids = reserving.result()
        fitting, left_out = await self._within(room, organization_id, proposed)
        devices = sorted(fitting, key=lambda device: device.device_uid)
        foreseen = {device.device_uid: Stored(id_) for device, id_ in zip(devices, ids, strict=False)}
        added = await self._add(organization_id, devices, foreseen, by=by)
        refused = {uid: left_out.get(uid) or DeviceUidTaken(uid) for uid in proposed.keys() - added.keys()}
        return [
            outcome if isinstance(outcome, DomainError) else refused.get(outcome) or added[outcome]
            for outcome in outcomes
        ]

    async def register_requested(self, organization_id: int, requests: Sequence[DeviceRegistrationRequested]) -> None:
        """Registers devices that gateways of the organization speak for, and which are in the field therefore.

        What stands in the way is logged: a uid that somebody has, the limit, an organization that is suspended or wants
        no devices from gateways.
        """
        for gateway in sorted({request.requested_by for request in requests}):
            uids = sorted({request.device_uid for request in requests if request.requested_by == gateway})
            bodies = [DeviceCreate(device_uid=uid, status=Lifecycle.DEPLOYED) for uid in uids]
            by = Actor(ActorKind.GATEWAY, gateway.removeprefix("gateway "))
            try:
                outcomes = await self.register_many(organization_id, bodies, by=by)
            except (OrganizationNotFound, OrganizationIsSuspended, GatewaysRegisterNothing) as error:
                outcomes = [error]
            refused = [outcome.code for outcome in outcomes if isinstance(outcome, DomainError)]
            if refused:
                _log.info("devices of a gateway not registered", organization_id=organization_id, reasons=refused)

    async def _reserved(self, organization_id: int, count: int) -> tuple[int, Sequence[int]]:
        """For how many of `count` new devices there is room, and as many ids as `count`."""
        return await self._organizations.room_for(organization_id, count), await self._store.new_ids(count)

    async def _proposed(
        self, organization_id: int, bodies: Sequence[Proposal]
    ) -> tuple[dict[str, NewDevice], list[str | DomainError]]:
        """The devices that break no rule by themselves, by uid, and of each body its device's uid or what it breaks."""
        now = self._clock.now()
        proposed: dict[str, NewDevice] = {}
        outcomes: list[str | DomainError] = []
        for some in _in_turns(bodies):
            for body in some:
                uid = body.device_uid or f"dev-{self._ids.new().hex[:12]}"
                if body.organization_id != organization_id and body.organization_id is not None:
                    outcomes.append(OrganizationNotFound())
                elif (reason := uid_problem(uid)) is not None:
                    outcomes.append(UnacceptableUid(reason))
                elif uid in proposed:
                    outcomes.append(DeviceUidRepeated(uid))
                else:
                    proposed[uid] = _new(organization_id, uid, body.members(), now)
                    outcomes.append(uid)
            await asyncio.sleep(0)
        return proposed, outcomes

    async def _within(
        self, room: int, organization_id: int, proposed: Mapping[str, NewDevice]
    ) -> tuple[Iterable[NewDevice], dict[str, DomainError]]:
        """Those that there is room for, and by uid what the organization's device limit leaves out.

        Where there is not room for all, a uid that is taken is in neither.
        """
        if room >= len(proposed):
            return proposed.values(), {}
        taken = await self._store.taken(organization_id, list(proposed))
        free = [uid for uid in proposed if uid not in taken]
        limit = (await self._organizations.get(organization_id)).device_limit
        return (proposed[uid] for uid in free[:room]), {uid: DeviceLimitReached(limit or 0) for uid in free[room:]}

    async def _add(
        self, organization_id: int, devices: Sequence[NewDevice], foreseen: Mapping[str, Stored], *, by: Actor
    ) -> dict[str, Registered]:
        """Stores those whose uid is free, tells of them, and answers them by uid; uids differ and are in order.

        What is to be told is written while the database stores them, for nearly always all of them are stored as
        foreseen; else it is written anew.
        """
        if not devices:
            return {}
        async with _meanwhile(self._store.add(organization_id, devices, foreseen)) as storing:
            told = await self._told(devices, foreseen)
        stored = storing.result()
        if not stored:
            return {}
        if stored != foreseen:
            told = await self._told(devices, stored)
        self._unit.outbox.add_written(told.events)
        await self._audit.record_begun(organization_id, by, "device", "registered", told.entries)
        self._devices.lists_changed([organization_id])
        return told.answers

    async def _told(self, devices: Sequence[NewDevice], stored: Mapping[str, Stored]) -> Told:
        """For all of `stored`, which the database may still be storing."""
        organization_id = devices[0].organization_id
        told, telling = Told(), Telling(organization_id, devices[0].registered_at)
        for some in _in_turns([device for device in devices if device.device_uid in stored]):
            events: list[tuple[str, bytes]] = []
            for new in some:
                uid, given = new.device_uid, stored[new.device_uid]
                description = described(new, new.attributes)
                blanked = described(new, AuditService.blanked(new.attributes)) if new.attributes else description
                events.append((subject_of(uid), telling.registered(description, given)))
                told.entries.append((str(given.id), begun(blanked, new)))
                told.answers[uid] = Registered(uid, telling.shown(description, new, given))
            told.events += self._unit.outbox.write_encoded(DeviceRegistered, organization_id, events)
            await asyncio.sleep(0)
        return told


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, T]) -> AsyncGenerator[asyncio.Task[T]]:
    """Does `work` while the block runs, and has done it when the block has ended."""
    task = asyncio.create_task(work)
    try:
        await asyncio.sleep(0)  # It begins,
        await asyncio.sleep(0)  # and what it asks for is on its way.
        yield task
    finally:
        await task


def _in_turns(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _WRITTEN_AT_ONCE] for start in range(0, len(items), _WRITTEN_AT_ONCE))


def _new(organization_id: int, uid: str, members: Members, now: datetime) -> NewDevice:
    lifecycle, reported = first_states(members.status)
    return NewDevice(
        device_uid=uid,
        organization_id=organization_id,
        name=members.name,
        device_type=members.device_type,
        serial_number=members.serial_number,
        hardware_version=members.hardware_version,
        lifecycle=lifecycle,
        reported_status=reported,
        updates_enabled=members.updates_enabled,
        attributes=members.attributes,
        tags=members.tags,
        registered_at=now,
    )
