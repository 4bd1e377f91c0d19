"""Use cases of organizations: create, read, edit, suspend, reactivate, and how many devices one may have."""

from typing import Any, Protocol

from device_management.audit.schemas import Actor, Change
from device_management.audit.service import AuditService
from device_management.organizations.errors import (
    GatewaysRegisterNothing,
    NotForOneself,
    OrganizationIsSuspended,
    OrganizationNotFound,
    SlugTaken,
)
from device_management.organizations.events import state_event
from device_management.organizations.models import Organization
from device_management.organizations.schemas import (
    OrganizationCreate,
    OrganizationDetail,
    OrganizationEdit,
    OrganizationRead,
)
from device_management.organizations.states import OrganizationStatus
from device_management.organizations.store import OrganizationStore
from device_management.revocations.service import RevocationService
from shared.contracts.organizations import (
    OrganizationChanged,
    OrganizationCreated,
    OrganizationReactivated,
    OrganizationSnapshot,
    OrganizationState,
    OrganizationSuspended,
)
from shared.errors import ServiceUnavailable
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected
from shared.http.principal import Forbidden, Principal
from shared.revocations import Kind, Revocation
from shared.sql.unit_of_work import UnitOfWork

PLATFORM = "platform:admin"

_PLATFORMS = {"device_limit", "telemetry_retention"}


class DeviceCount(Protocol):
    """Whoever knows how many devices of an organization count against its limit."""

    async def count(self, organization_id: int) -> int: ...


class OrganizationService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: OrganizationStore,
        audit: AuditService,
        revocations: RevocationService,
        devices: DeviceCount,
    ) -> None:
        self._unit = unit
        self._store = store
        self._audit = audit
        self._revocations = revocations
        self._devices = devices

    async def get(self, organization_id: int) -> Organization:
        """Raises OrganizationNotFound."""
        organization = await self._store.find(organization_id)
        if organization is None:
            raise OrganizationNotFound
        return organization

    async def require_active(self, organization_id: int) -> Organization:
        """Raises OrganizationNotFound, OrganizationIsSuspended."""
        organization = await self.get(organization_id)
        if organization.state == OrganizationStatus.SUSPENDED:
            raise OrganizationIsSuspended
        return organization

    async def read(self, who: Principal, organization_id: int) -> OrganizationDetail:
        """The caller's own, or any for the platform. Raises OrganizationNotFound."""
        organization = await self.get(_visible(who, organization_id))
        return await self._detail(organization)

    async def administered(self, who: Principal, organization_id: int | None) -> int:
        """Whose people and roles the caller means: its own, or another's for the platform.

        Raises OrganizationNotFound.
        """
        if organization_id is None or organization_id == who.organization_id:
            return who.organization_id
        await self.get(_visible(who, organization_id))
        return organization_id

    async def page(self, *, cursor: str | None, limit: int) -> Page[OrganizationRead]:
        """All of them, oldest first. Raises BadCursor."""
        after_id = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.page(after_id=after_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda organization: (organization.id,))
        return Page(items=[_read(organization) for organization in kept], next=following)

    async def create(self, who: Principal, body: OrganizationCreate) -> OrganizationRead:
        """Raises SlugTaken."""
        organization = await self._store.add(Organization(**body.model_dump()))
        if organization is None:
            raise SlugTaken(body.slug)
        await self._tell(OrganizationCreated, who, None, organization)
        return _read(organization)

    async def edit(
        self, who: Principal, organization_id: int, body: OrganizationEdit, expected: Expected
    ) -> OrganizationDetail:
        """Name and settings are its administrators', the limit and the retention are the platform's.

        Raises OrganizationNotFound, Forbidden, Stale.
        """
        if _PLATFORMS & body.model_fields_set and PLATFORM not in who.scopes:
            raise Forbidden(f"the token lacks the scope {PLATFORM}, which sets device limits and retentions")
        before = await self._to_change(_visible(who, organization_id), expected)
        values = body.model_dump(exclude_unset=True)
        if all(before[name] == value for name, value in values.items()):
            return await self._detail(await self.get(organization_id))
        after = await self._change(who, before, values, OrganizationChanged)
        return await self._detail(after)

    async def suspend(self, who: Principal, organization_id: int) -> OrganizationRead:
        """Refuses its people and devices everywhere. Again is no error. Raises OrganizationNotFound, NotForOneself."""
        if who.organization_id == organization_id:
            raise NotForOneself
        return await self._move(who, organization_id, OrganizationStatus.SUSPENDED, OrganizationSuspended)

    async def reactivate(self, who: Principal, organization_id: int) -> OrganizationRead:
        """Lets its people and devices in again. Again is no error. Raises OrganizationNotFound."""
        return await self._move(who, organization_id, OrganizationStatus.ACTIVE, OrganizationReactivated)

    async def require_gateways_register(self, organization_id: int) -> None:
        """Raises GatewaysRegisterNothing where the setting `gateways_register` is false; it is true unless set."""
        if (await self.get(organization_id)).settings.get("gateways_register", True) is False:
            raise GatewaysRegisterNothing

    async def room_for(self, organization_id: int, wanted: int) -> int:
        """How many of `wanted` new devices the organization may still have: all of them where it has no limit.

        The answer holds until the transaction ends: registrations in an organization with a limit wait for each other
        here, and a change of a limit waits for registrations. Raises OrganizationNotFound, OrganizationIsSuspended.
        """
        organization = await self.get(organization_id)
        # One lock, chosen beforehand: two that hold the weaker and want the stronger would wait for each other.
        unlimited = organization.device_limit is None
        hold = self._store.find_to_stay if unlimited else self._store.find_to_change
        organization = await hold(organization_id)
        if organization is None:
            raise OrganizationNotFound
        if organization.state == OrganizationStatus.SUSPENDED:
            raise OrganizationIsSuspended
        if organization.device_limit is None:
            return wanted
        if unlimited:
            raise ServiceUnavailable("the organization has just been given a device limit; try again")
        return max(0, min(wanted, organization.device_limit - await self._devices.count(organization_id)))

    async def tell_again(self, organization_id: int | None) -> None:
        """Tells the present state of the organization, or of all of them."""
        for organization in await self._store.all_of(organization_id):
            self._unit.outbox.add(state_event(OrganizationSnapshot, organization))

    async def ensure(self, *, slug: str, name: str) -> Organization:
        """The organization of that slug, made and told if there is none; many processes may call it at once."""
        made = await self._store.add(Organization(**OrganizationCreate(slug=slug, name=name).model_dump()))
        if made is not None:
            self._unit.outbox.add(state_event(OrganizationCreated, made))
        found = made or await self._store.find_by_slug(slug)
        if found is None:
            raise OrganizationNotFound
        return found

    async def _move(
        self,
        who: Principal,
        organization_id: int,
        to: OrganizationStatus,
        kind: type[OrganizationState],
    ) -> OrganizationRead:
        before = await self._to_change(organization_id, Expected())
        if before["state"] == to:
            return _read(await self.get(organization_id))
        after = await self._change(who, before, {"state": to}, kind)
        refused = to is OrganizationStatus.SUSPENDED
        entry = Revocation(Kind.ORGANIZATION, str(organization_id), after.version, refused=refused)
        await self._revocations.tell(organization_id, [entry])
        return _read(after)

    async def _to_change(self, organization_id: int, expected: Expected) -> dict[str, Any]:
        organization = await self._store.find_to_change(organization_id)
        if organization is None:
            raise OrganizationNotFound
        expected.require(organization.version)
        return _state(organization)

    async def _change(
        self, who: Principal, before: dict[str, Any], values: dict[str, Any], kind: type[OrganizationState]
    ) -> Organization:
        after = await self._store.change(before["id"], values)
        await self._tell(kind, who, before, after)
        return after

    async def _tell(
        self, kind: type[OrganizationState], who: Principal, before: dict[str, Any] | None, after: Organization
    ) -> None:
        event = state_event(kind, after)
        self._unit.outbox.add(event)
        change = Change("organization", str(after.id), event.type.split(".")[1], before, _state(after))
        await self._audit.record(event.organization_id, Actor.of(who), [change])

    async def _detail(self, organization: Organization) -> OrganizationDetail:
        read = _read(organization)
        return OrganizationDetail(**read.model_dump(), devices=await self._devices.count(read.id))


def _visible(who: Principal, organization_id: int) -> int:
    if organization_id != who.organization_id and PLATFORM not in who.scopes:
        raise OrganizationNotFound
    return organization_id


def _state(organization: Organization) -> dict[str, Any]:
    return organization.model_dump(exclude={"version", "updated_at"})


def _read(organization: Organization) -> OrganizationRead:
    return OrganizationRead.model_validate(organization, from_attributes=True)
