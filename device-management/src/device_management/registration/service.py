"""Use cases of registration: devices come to an organization, one or thousands."""

from collections.abc import Mapping, Sequence
from datetime import datetime

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
from device_management.registration.events import beginning, read_new, registered, shown
from device_management.registration.models import NewDevice, Stored
from device_management.registration.rules import first_states, uid_problem
from device_management.registration.schemas import (
    BatchAnswer,
    BatchDevice,
    BatchFailure,
    DeviceCreate,
    DeviceMembers,
)
from device_management.registration.store import RegistrationStore
from shared.clock import Clock
from shared.contracts.device_requests import DeviceRegistrationRequested
from shared.contracts.devices import DeviceRegistered, subject_of
from shared.errors import DomainError
from shared.ids import Ids
from shared.sql.unit_of_work import UnitOfWork

_log = structlog.get_logger(__name__)


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
        return read_new(*outcome)

    async def register_batch(self, organization_id: int, bodies: Sequence[BatchDevice], *, by: Actor) -> BatchAnswer:
        """Raises BatchTooLarge; whatever else keeps a device from being registered is in the answer."""
        if len(bodies) > self._batch_limit:
            raise BatchTooLarge(self._batch_limit)
        answer = BatchAnswer(successful=[], failed=[])
        for body, outcome in zip(bodies, await self.register_many(organization_id, bodies, by=by), strict=True):
            if isinstance(outcome, DomainError):
                given = body.model_dump(mode="json", exclude_unset=True)
                answer.failed.append(BatchFailure(device=given, error=outcome.detail, code=outcome.code))
            else:
                answer.successful.append(shown(*outcome))
        return answer

    async def register_many(
        self, organization_id: int, bodies: Sequence[DeviceCreate | BatchDevice], *, by: Actor
    ) -> list[tuple[NewDevice, Stored] | DomainError]:
        """Registers each on its own, and answers each in its place: one that is refused stops no other.

        Raises OrganizationNotFound, OrganizationIsSuspended, and GatewaysRegisterNothing where a gateway asks.
        """
        if by.kind is ActorKind.GATEWAY:
            await self._organizations.require_gateways_register(organization_id)
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
                proposed[uid] = _new(organization_id, uid, body, now)
                outcomes.append(uid)
        stored, left_out = await self._store_within_limit(organization_id, proposed)
        added = {uid: (proposed[uid], given) for uid, given in stored.items()}
        events = ((subject_of(uid), registered(new, given)) for uid, (new, given) in added.items())
        self._unit.outbox.add_plain(DeviceRegistered, events)
        self._devices.lists_changed([organization_id])
        await self._audit.record_plain(organization_id, by, [beginning(new, given) for new, given in added.values()])
        refused = {uid: left_out.get(uid) or DeviceUidTaken(uid) for uid in proposed.keys() - stored.keys()}
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

    async def _store_within_limit(
        self, organization_id: int, proposed: Mapping[str, NewDevice]
    ) -> tuple[dict[str, Stored], dict[str, DomainError]]:
        """What was stored, and what the organization's device limit left out; uids that are taken are in neither."""
        left_out: dict[str, DomainError] = {}
        room = await self._organizations.room_for(organization_id, len(proposed))
        if room < len(proposed):
            taken = await self._store.taken(organization_id, list(proposed))
            free = [uid for uid in proposed if uid not in taken]
            limit = (await self._organizations.get(organization_id)).device_limit
            left_out = {uid: DeviceLimitReached(limit or 0) for uid in free[room:]}
            proposed = {uid: proposed[uid] for uid in free[:room]}
        return await self._store.add(organization_id, list(proposed.values())), left_out


def _new(organization_id: int, uid: str, body: DeviceMembers, now: datetime) -> NewDevice:
    lifecycle, reported = first_states(body.status)
    return NewDevice(
        device_uid=uid,
        organization_id=organization_id,
        name=body.name,
        device_type=body.device_type,
        serial_number=body.serial_number,
        hardware_version=body.hardware_version,
        lifecycle=lifecycle,
        reported_status=reported,
        updates_enabled=body.updates_enabled,
        attributes=body.attributes,
        tags=body.tags,
        registered_at=now,
    )
