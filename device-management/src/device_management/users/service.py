"""Use cases of people: create, read, edit, remove; who may do what to whom."""

from collections.abc import Sequence
from typing import Any

from device_management.audit.schemas import Actor, Change
from device_management.audit.service import AuditService
from device_management.auth.models import User
from device_management.auth.service import AuthService
from device_management.keys.service import KeyService
from device_management.organizations.service import OrganizationService
from device_management.roles.errors import LastAdministrator, ScopeNotHeld, UnknownRole
from device_management.roles.service import RoleScopes
from device_management.roles.states import ADMINISTRATOR, PLATFORM, Granted, beyond, scopes_of
from device_management.users.errors import EmailTaken, UserNotFound
from device_management.users.schemas import UserCreate, UserEdit, UserRead
from device_management.users.store import UserStore
from shared.clock import Clock
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected
from shared.http.principal import Principal


class UserService:
    def __init__(
        self,
        store: UserStore,
        auth: AuthService,
        keys: KeyService,
        organizations: OrganizationService,
        audit: AuditService,
        roles: RoleScopes,
        *,
        clock: Clock,
    ) -> None:
        self._store = store
        self._auth = auth
        self._keys = keys
        self._organizations = organizations
        self._audit = audit
        self._roles = roles
        self._clock = clock

    async def page(
        self, who: Principal, organization_id: int | None, *, cursor: str | None, limit: int
    ) -> Page[UserRead]:
        """Oldest first. Raises BadCursor, OrganizationNotFound."""
        owner = await self._organizations.administered(who, organization_id)
        after_id = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.page(owner, after_id=after_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda user: (user.id,))
        granted = await self._roles.granted(owner)
        return Page(items=[_read(user, granted) for user in kept], next=following)

    async def get(self, who: Principal, organization_id: int | None, user_id: int) -> UserRead:
        """Raises UserNotFound, OrganizationNotFound."""
        owner = await self._organizations.administered(who, organization_id)
        user = await self._store.find(owner, user_id)
        if user is None:
            raise UserNotFound
        return _read(user, await self._roles.granted(owner, user.roles))

    async def create(self, who: Principal, organization_id: int | None, body: UserCreate) -> UserRead:
        """Raises ScopeNotHeld, UnknownRole, EmailTaken, OrganizationNotFound."""
        password_hash = await self._auth.hash(body.password)
        owner = await self._organizations.administered(who, organization_id)
        await self.take_turns()
        granted = await self._known(owner, body.roles)
        _require_held(who, scopes_of(body.roles, body.scopes, granted))
        now = self._clock.now()
        user = await self._store.add(
            User(
                **body.model_dump(exclude={"password"}),
                organization_id=owner,
                password_hash=password_hash,
                created_at=now,
                updated_at=now,
            )
        )
        if user is None:
            raise EmailTaken
        await self._record(who, owner, user, "created", None, _state(user))
        return _read(user, granted)

    async def edit(
        self, who: Principal, organization_id: int | None, user_id: int, body: UserEdit, expected: Expected
    ) -> UserRead:
        """A new password or being inactive ends all sign-ins; fewer scopes refuse the tokens that had more.

        Raises UserNotFound, OrganizationNotFound, Stale, ScopeNotHeld, UnknownRole, LastAdministrator.
        """
        hashed = {} if body.password is None else {"password_hash": await self._auth.hash(body.password)}
        user, held = await self._to_change(who, organization_id, user_id)
        expected.require(user.version)
        before = _state(user)
        values = body.model_dump(exclude_unset=True, exclude={"password"})
        after_roles, after_scopes = values.get("roles", user.roles), values.get("scopes", user.scopes)
        every_role = await self._known(user.organization_id, values.get("roles", ()))
        granted = scopes_of(after_roles, after_scopes, every_role)
        _require_held(who, granted)
        active = bool(values.get("active", user.active))
        if user.active:
            await self._require_others(user, held - (granted if active else frozenset()))
        values |= hashed
        if all(before[name] == value for name, value in values.items()):
            return _read(user, every_role)
        user = await self._store.change(user_id, values)
        if body.password is not None or not active:
            user = await self._auth.end_sign_ins(user, "password changed" if active else "deactivated")
        elif held - granted:
            user = await self._auth.refuse_tokens(user)
        if not active or held - granted:
            await self._keys.revoke_beyond(who, user.organization_id, {user_id: granted if active else ()})
        await self._record(who, user.organization_id, user, "changed", before, _state(user))
        return _read(user, every_role)

    async def remove(self, who: Principal, organization_id: int | None, user_id: int, expected: Expected) -> None:
        """Ends sign-ins and keys; the address is free again. Raises what `edit` raises."""
        user, held = await self._to_change(who, organization_id, user_id)
        expected.require(user.version)
        if user.active:
            await self._require_others(user, held)
        await self._auth.end_sign_ins(user, "removed")
        await self._keys.revoke_beyond(who, user.organization_id, {user_id: ()})
        await self._record(who, user.organization_id, user, "removed", _state(user), None)
        await self._store.remove(user_id)

    async def take_turns(self) -> None:
        """Changes of people and of roles wait here for each other, until the transaction ends."""
        await self._store.take_turns()

    async def holders(self, organization_id: int, role: str) -> Sequence[int]:
        """The ids of the people who hold the role."""
        return [_id(user) for user in await self._store.holders(organization_id, role)]

    async def take_away(self, who: Principal, organization_id: int, role: str, before: Granted, after: Granted) -> None:
        """What follows from a role that grants less: tokens and keys that hold more are refused.

        Raises LastAdministrator.
        """
        left: dict[int, frozenset[str]] = {}
        lost: set[str] = set()
        for user in await self._store.holders(organization_id, role):
            held, holds = (scopes_of(user.roles, user.scopes, granted) for granted in (before, after))
            if user.active and held - holds:
                left[_id(user)] = holds
                lost |= held - holds
        for scope, where in ((ADMINISTRATOR, organization_id), (PLATFORM, None)):
            if scope in lost and not await self._store.has_other(None, scope, organization_id=where):
                raise LastAdministrator(scope)
        if left:
            await self._auth.refuse_tokens_of(organization_id, sorted(left))
            await self._keys.revoke_beyond(who, organization_id, left)

    async def _known(self, organization_id: int, roles: Sequence[str]) -> Granted:
        """What every role of the organization grants. Raises UnknownRole where one of `roles` is none of them."""
        granted = await self._roles.granted(organization_id)
        if unknown := set(roles) - granted.keys():
            raise UnknownRole(unknown)
        return granted

    async def _to_change(
        self, who: Principal, organization_id: int | None, user_id: int
    ) -> tuple[User, frozenset[str]]:
        """The person, held against other changes, and all their scopes."""
        owner = await self._organizations.administered(who, organization_id)
        await self.take_turns()
        user = await self._store.find_to_change(owner, user_id)
        if user is None:
            raise UserNotFound
        held = scopes_of(user.roles, user.scopes, await self._roles.granted(owner, user.roles))
        _require_held(who, held)
        return user, held

    async def _require_others(self, user: User, lost: frozenset[str]) -> None:
        for scope, where in ((ADMINISTRATOR, user.organization_id), (PLATFORM, None)):
            if scope in lost and not await self._store.has_other(_id(user), scope, organization_id=where):
                raise LastAdministrator(scope)

    async def _record(
        self,
        who: Principal,
        organization_id: int,
        user: User,
        action: str,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        change = Change("user", str(user.id), action, before, after)
        await self._audit.record(organization_id, Actor.of(who), [change])


def _require_held(who: Principal, scopes: frozenset[str]) -> None:
    """Nobody grants what they do not hold, nor takes it from those who do."""
    if missing := beyond(scopes, who.scopes):
        raise ScopeNotHeld(missing)


def _state(user: User) -> dict[str, Any]:
    return user.model_dump(include={"email", "name", "roles", "scopes", "active", "password_hash"})


def _id(user: User) -> int:
    assert user.id is not None  # noqa: S101 - it comes from the database
    return user.id


def _read(user: User, granted: Granted) -> UserRead:
    return UserRead.model_validate(
        {**user.model_dump(), "effective_scopes": sorted(scopes_of(user.roles, user.scopes, granted))}
    )
