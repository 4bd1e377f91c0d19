"""Use cases of roles: what they grant, and making, changing and removing those of an organization."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from device_management.audit.schemas import Actor, Change
from device_management.audit.service import AuditService
from device_management.organizations.service import OrganizationService
from device_management.roles.errors import (
    RoleInUse,
    RoleIsBuiltIn,
    RoleNameTaken,
    RoleNotFound,
    ScopeNotHeld,
    TooManyRoles,
)
from device_management.roles.models import Role
from device_management.roles.schemas import RoleCreate, RoleEdit, RoleRead
from device_management.roles.states import BUILT_IN, Granted, beyond
from device_management.roles.store import RoleStore
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected
from shared.http.principal import Principal

MOST_ROLES = 100
"""Of one organization."""

_NAMED = 20


class Holders(Protocol):
    """Whoever looks after the people who hold roles."""

    async def take_turns(self) -> None:
        """Changes of people and roles wait here for each other, until the transaction ends."""
        ...

    async def holders(self, organization_id: int, role: str) -> Sequence[int]:
        """The ids of the people who hold the role."""
        ...

    async def take_away(self, who: Principal, organization_id: int, role: str, before: Granted, after: Granted) -> None:
        """What follows from a role that grants less: tokens and keys that hold more are refused.

        Raises LastAdministrator.
        """
        ...


class RoleScopes:
    """What roles grant."""

    def __init__(self, store: RoleStore) -> None:
        self._store = store

    async def granted(self, organization_id: int, roles: Iterable[str] | None = None) -> Granted:
        """By every role of the organization, or by these at least."""
        if roles is not None and BUILT_IN.keys() >= set(roles):
            return BUILT_IN
        own = await self._store.all_of(organization_id)
        return {**{role.name: frozenset(role.scopes) for role in own}, **BUILT_IN}


class RoleService:
    def __init__(
        self, store: RoleStore, organizations: OrganizationService, holders: Holders, audit: AuditService
    ) -> None:
        self._store = store
        self._organizations = organizations
        self._holders = holders
        self._audit = audit

    async def page(
        self, who: Principal, organization_id: int | None, *, cursor: str | None, limit: int
    ) -> Page[RoleRead]:
        """The built-in ones first. Raises OrganizationNotFound, BadCursor."""
        owner = await self._organizations.administered(who, organization_id)
        after = decode_cursor(cursor, int, str) if cursor else None
        every = [*map(_built_in, BUILT_IN), *map(_read, await self._store.all_of(owner))]
        left = [role for role in every if after is None or _place(role) > after]
        items, following = page_of(left[: limit + 1], limit, _place)
        return Page(items=list(items), next=following)

    async def get(self, who: Principal, organization_id: int | None, name: str) -> RoleRead:
        """Raises RoleNotFound, OrganizationNotFound."""
        owner = await self._organizations.administered(who, organization_id)
        if name in BUILT_IN:
            return _built_in(name)
        return _read(await self._find(owner, name))

    async def create(self, who: Principal, organization_id: int | None, body: RoleCreate) -> RoleRead:
        """Raises ScopeNotHeld, RoleIsBuiltIn, RoleNameTaken, TooManyRoles, OrganizationNotFound."""
        owner = await self._organizations.administered(who, organization_id)
        _require_held(who, body.scopes)
        if body.name in BUILT_IN:
            raise RoleIsBuiltIn(body.name)
        await self._holders.take_turns()
        role = await self._store.add(owner, body.model_dump())
        if role is None:
            raise RoleNameTaken(body.name)
        if await self._store.count(owner) > MOST_ROLES:
            raise TooManyRoles(MOST_ROLES)
        await self._record(who, role, "created", None, _state(role))
        return _read(role)

    async def edit(
        self, who: Principal, organization_id: int | None, name: str, body: RoleEdit, expected: Expected
    ) -> RoleRead:
        """More scopes come with the next token of those who hold it; fewer refuse the tokens that had more.

        Raises RoleNotFound, RoleIsBuiltIn, Stale, ScopeNotHeld, LastAdministrator, OrganizationNotFound.
        """
        role = await self._to_change(who, organization_id, name, expected)
        before, granted = _state(role), frozenset(role.scopes)
        values = body.model_dump(exclude_unset=True)
        _require_held(who, values.get("scopes", ()))
        if all(before[member] == value for member, value in values.items()):
            return _read(role)
        role = await self._store.change(role.organization_id, name, values)
        if granted - set(role.scopes):
            every = await RoleScopes(self._store).granted(role.organization_id)
            await self._holders.take_away(who, role.organization_id, name, {**every, name: granted}, every)
        await self._record(who, role, "changed", before, _state(role))
        return _read(role)

    async def remove(self, who: Principal, organization_id: int | None, name: str, expected: Expected) -> None:
        """Raises RoleInUse, and what `edit` raises."""
        role = await self._to_change(who, organization_id, name, expected)
        if users := await self._holders.holders(role.organization_id, name):
            raise RoleInUse(name, len(users), users[:_NAMED])
        await self._store.remove(role.organization_id, name)
        await self._record(who, role, "removed", _state(role), None)

    async def _to_change(self, who: Principal, organization_id: int | None, name: str, expected: Expected) -> Role:
        owner = await self._organizations.administered(who, organization_id)
        if name in BUILT_IN:
            raise RoleIsBuiltIn(name)
        await self._holders.take_turns()
        role = await self._find(owner, name)
        expected.require(role.version)
        _require_held(who, role.scopes)
        return role

    async def _find(self, organization_id: int, name: str) -> Role:
        role = await self._store.find(organization_id, name)
        if role is None:
            raise RoleNotFound
        return role

    async def _record(
        self, who: Principal, role: Role, action: str, before: dict[str, Any] | None, after: dict[str, Any] | None
    ) -> None:
        change = Change("role", role.name, action, before, after)
        await self._audit.record(role.organization_id, Actor.of(who), [change])


def _require_held(who: Principal, scopes: Iterable[str]) -> None:
    """Nobody grants what they do not hold, nor takes it from those who do."""
    if missing := beyond(scopes, who.scopes):
        raise ScopeNotHeld(missing)


def _place(role: RoleRead) -> tuple[int, str]:
    """By which roles are listed: the built-in ones in their order, then the others by name."""
    return (list(BUILT_IN).index(role.name) if role.built_in else len(BUILT_IN)), role.name


def _state(role: Role) -> dict[str, Any]:
    return role.model_dump(include={"name", "description", "scopes"})


def _read(role: Role) -> RoleRead:
    return RoleRead.model_validate({**role.model_dump(), "built_in": False})


def _built_in(name: str) -> RoleRead:
    return RoleRead(
        name=name,
        description=None,
        scopes=sorted(BUILT_IN[name]),
        built_in=True,
        version=1,
        created_at=None,
        updated_at=None,
    )
