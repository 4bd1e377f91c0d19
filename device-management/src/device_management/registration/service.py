"""Use cases of registration: devices come to an organization, one or thousands."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import structlog

from device_management.audit.schemas import Actor
from device_management.audit.service import AuditService
from device_management.audit.states import ActorKind
from device_management.devices.schemas import DeviceRead
from device_management.devices.service import DeviceService
from device_management.devices.states import Lifecycle
from device_management.organizations.errors import DeviceLimitReached, OrganizationIsSuspended, OrganizationNotFound
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
from shared.sql.unit_of_work import UnitOfWork

_WRITTEN_AT_ONCE = 250
"""Others have their turn in between: other requests, and the statement that is under way meanwhile."""

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Told:
    """What is said of new devices, in the order of their uids: to the other services (subject and data), in the audit
    log (id and state), and, by uid, in the answer.
    """

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self.events: list[tuple[str, bytes]] = []
        self.entries: list[tuple[str, bytes]] = []
        self.answers: dict[str, Registered] = {}

    def add(self, new: NewDevice, stored: Stored) -> None:
        uid, description = new.device_uid, described(new, new.attributes)
        blanked = described(new, AuditService.blanked(new.attributes)) if new.attributes else description
        self.events.append((subject_of(uid), self._telling.registered(description, stored)))
        self.entries.append((str(stored.id), begun(blanked, new)))
        self.answers[uid] = Registered(uid, self._telling.shown(description, new, stored))


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
        answer = BatchAnswer(successful=[], failed=[])
        for body, outcome in zip(bodies, await self.register_many(organization_id, bodies, by=by), strict=True):
            if isinstance(outcome, DomainError):
                answer.failed.append(BatchFailure(device=body.given(), error=outcome.detail, code=outcome.code))
            else:
                answer.successful.append(outcome)
        return answer

    async def register_many(
        self, organization_id: int, bodies: Sequence[Proposal], *, by: Actor
    ) -> list[Registered | DomainError]:
        """Registers each on its own, and answers each in its place: one that is refused stops no other.

        Raises OrganizationNotFound, OrganizationIsSuspended, and GatewaysRegisterNothing where a gateway asks.
        """
        if by.kind is ActorKind.GATEWAY:
            await self._organizations.require_gateways_register(organization_id)
        proposed, outcomes = self._proposed(organization_id, bodies)
        fitting, left_out = await self._within_limit(organization_id, proposed)
        added = await self._add(organization_id, sorted(fitting, key=lambda device: device.device_uid), by=by)
        refused = {uid: left_out.get(uid) or DeviceUidTaken(uid) for uid in proposed.keys() - added.keys()}
        return [
            outcome if isinstance(outcome, DomainError) else refused.get(outcome) or added[outcome]
            for outcome in outcomes
        ]

    async def register_requested(self, organization_id: int, requests: Sequence[DeviceRegistrationRequested]) -> None:
        """Registers devices that gateways of the organization speak for, and which are in the field therefore.

        What stands in the way is logged: a uid that somebody has, the limit, an organization that is suspended.
        """
        for gateway in sorted({request.requested_by for request in requests}):
            uids = sorted({request.device_uid for request in requests if request.requested_by == gateway})
            bodies = [DeviceCreate(device_uid=uid, status=Lifecycle.DEPLOYED) for uid in uids]
            by = Actor(ActorKind.GATEWAY, gateway.removeprefix("gateway "))
            try:
                outcomes = await self.register_many(organization_id, bodies, by=by)
            except (OrganizationNotFound, OrganizationIsSuspended) as error:
                outcomes = [error]
            refused = [outcome.code for outcome in outcomes if isinstance(outcome, DomainError)]
            if refused:
                _log.info("devices of a gateway not registered", organization_id=organization_id, reasons=refused)

    def _proposed(
        self, organization_id: int, bodies: Sequence[Proposal]
    ) -> tuple[dict[str, NewDevice], list[str | DomainError]]:
        """The devices that break no rule by themselves, by uid, and of each body its device's uid or what it breaks."""
        now = self._clock.now()
        proposed: dict[str, NewDevice] = {}
        outcomes: list[str | DomainError] = []
        for body in bodies:
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
        return proposed, outcomes

    async def _within_limit(
        self, organization_id: int, proposed: Mapping[str, NewDevice]
    ) -> tuple[Iterable[NewDevice], dict[str, DomainError]]:
        """Those that the organization's device limit has room for, and by uid what it leaves out.

        Where there is not room for all, a uid that is taken is in neither.
        """
        room = await self._organizations.room_for(organization_id, len(proposed))
        if room >= len(proposed):
            return proposed.values(), {}
        taken = await self._store.taken(organization_id, list(proposed))
        free = [uid for uid in proposed if uid not in taken]
        limit = (await self._organizations.get(organization_id)).device_limit
        return (proposed[uid] for uid in free[:room]), {uid: DeviceLimitReached(limit or 0) for uid in free[room:]}

    async def _add(self, organization_id: int, devices: Sequence[NewDevice], *, by: Actor) -> dict[str, Registered]:
        """Stores those whose uid is free, tells of them, and answers them by uid; uids differ and are in order.

        What is to be told is written while the database stores them, for nearly always all of them are stored as
        foreseen; else it is written anew.
        """
        if not devices:
            return {}
        ids = await self._store.new_ids(len(devices))
        foreseen = {device.device_uid: Stored(id_) for device, id_ in zip(devices, ids, strict=True)}
        storing = asyncio.create_task(self._store.add(organization_id, devices, ids))
        try:
            told = await _told(devices, foreseen)
        finally:
            stored = await storing
        if not stored:
            return {}
        if stored != foreseen:
            told = await _told([device for device in devices if device.device_uid in stored], stored)
        recording = asyncio.create_task(
            self._audit.record_begun(organization_id, by, "device", "registered", told.entries)
        )
        try:
            await self._announce(organization_id, told)
        finally:
            await recording
        self._devices.lists_changed([organization_id])
        return told.answers

    async def _announce(self, organization_id: int, told: Told) -> None:
        for some in _in_turns(told.events):
            self._unit.outbox.add_encoded(DeviceRegistered, organization_id, some)
            await asyncio.sleep(0)


async def _told(devices: Sequence[NewDevice], stored: Mapping[str, Stored]) -> Told:
    told = Told(Telling(devices[0].organization_id, devices[0].registered_at))
    for some in _in_turns(devices):
        for new in some:
            told.add(new, stored[new.device_uid])
        await asyncio.sleep(0)
    return told


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
