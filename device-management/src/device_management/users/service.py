"""Use cases of people: create, read, edit, remove; who may do what to whom."""

from typing import Any

from device_management.audit.schemas import Actor, Change
from device_management.audit.service import AuditService
from device_management.auth.models import User
from device_management.auth.service import AuthService
from device_management.auth.states import beyond, scopes_of
from device_management.keys.errors import ScopeNotHeld
from device_management.keys.service import KeyService
from device_management.organizations.errors import OrganizationNotFound
from device_management.organizations.service import OrganizationService
from device_management.users.errors import EmailTaken, LastAdministrator, UserNotFound
from device_management.users.schemas import UserCreate, UserEdit, UserRead
from device_management.users.store import UserStore
from shared.clock import Clock
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected
from shared.http.principal import Principal

_PLATFORM = "platform:admin"
_ADMINISTRATOR = "organization:admin"


class UserService:
    def __init__(
        self,
        store: UserStore,
        auth: AuthService,
        keys: KeyService,
        organizations: OrganizationService,
        audit: AuditService,
        *,
        clock: Clock,
    ) -> None:
        self._store = store
        self._auth = auth
        self._keys = keys
        self._organizations = organizations
        self._audit = audit
        self._clock = clock

    async def page(
        self, who: Principal, organization_id: int | None, *, cursor: str | None, limit: int
    ) -> Page[UserRead]:
        """Oldest first. Raises BadCursor, OrganizationNotFound."""
        owner = await self._organization(who, organization_id)
        after_id = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.page(owner, after_id=after_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda user: (user.id,))
        return Page(items=[_read(user) for user in kept], next=following)

    async def get(self, who: Principal, organization_id: int | None, user_id: int) -> UserRead:
        """Raises UserNotFound, OrganizationNotFound."""
        user = await self._store.find(await self._organization(who, organization_id), user_id)
        if user is None:
            raise UserNotFound
        return _read(user)

    async def create(self, who: Principal, organization_id: int | None, body: UserCreate) -> UserRead:
        """Raises ScopeNotHeld, EmailTaken, OrganizationNotFound."""
        owner = await self._organization(who, organization_id)
        _require_held(who, scopes_of(body.roles, body.scopes))
        now = self._clock.now()
        user = await self._store.add(
            User(
                **body.model_dump(exclude={"password"}),
                organization_id=owner,
                password_hash=await self._auth.hash(body.password),
                created_at=now,
                updated_at=now,
            )
        )
        if user is None:
            raise EmailTaken
        await self._record(who, owner, user, "created", None, _state(user))
        return _read(user)

    async def edit(
        self, who: Principal, organization_id: int | None, user_id: int, body: UserEdit, expected: Expected
    ) -> UserRead:
        """A new password or being inactive ends all sign-ins; fewer scopes refuse the tokens that had more.

        Raises UserNotFound, OrganizationNotFound, Stale, ScopeNotHeld, LastAdministrator.
        """
        user = await self._to_change(who, organization_id, user_id)
        expected.require(user.version)
        before, held = _state(user), scopes_of(user.roles, user.scopes)
        values = body.model_dump(exclude_unset=True, exclude={"password"})
        after_roles, after_scopes = values.get("roles", user.roles), values.get("scopes", user.scopes)
        granted = scopes_of(after_roles, after_scopes)
        _require_held(who, granted)
        active = bool(values.get("active", user.active))
        if user.active:
            await self._require_others(user, held - (granted if active else frozenset()))
        if body.password is not None:
            values["password_hash"] = await self._auth.hash(body.password)
        if all(before[name] == value for name, value in values.items()):
            return _read(user)
        user = await self._store.change(user_id, values)
        if body.password is not None or not active:
            user = await self._auth.end_sign_ins(user, "password changed" if active else "deactivated")
        elif held - granted:
            user = await self._auth.refuse_tokens(user)
        if not active or held - granted:
            await self._keys.revoke_of(who, user.organization_id, user_id, beyond_scopes=granted if active else ())
        await self._record(who, user.organization_id, user, "changed", before, _state(user))
        return _read(user)

    async def remove(self, who: Principal, organization_id: int | None, user_id: int, expected: Expected) -> None:
        """Ends sign-ins and keys; the address is free again. Raises what `edit` raises."""
        user = await self._to_change(who, organization_id, user_id)
        expected.require(user.version)
        if user.active:
            await self._require_others(user, scopes_of(user.roles, user.scopes))
        await self._auth.end_sign_ins(user, "removed")
        await self._keys.revoke_of(who, user.organization_id, user_id)
        await self._record(who, user.organization_id, user, "removed", _state(user), None)
        await self._store.remove(user_id)

    async def _organization(self, who: Principal, organization_id: int | None) -> int:
        """The caller's own, or another one for the platform. Raises OrganizationNotFound."""
        if organization_id is None or organization_id == who.organization_id:
            return who.organization_id
        if _PLATFORM not in who.scopes:
            raise OrganizationNotFound
        await self._organizations.get(organization_id)
        return organization_id

    async def _to_change(self, who: Principal, organization_id: int | None, user_id: int) -> User:
        user = await self._store.find_to_change(await self._organization(who, organization_id), user_id)
        if user is None:
            raise UserNotFound
        _require_held(who, scopes_of(user.roles, user.scopes))
        return user

    async def _require_others(self, user: User, lost: frozenset[str]) -> None:
        assert user.id is not None  # noqa: S101 - it comes from the database
        for scope, where in ((_ADMINISTRATOR, user.organization_id), (_PLATFORM, None)):
            if scope in lost and not await self._store.has_other(user.id, scope, organization_id=where):
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


def _read(user: User) -> UserRead:
    return UserRead.model_validate(
        {**user.model_dump(), "effective_scopes": sorted(scopes_of(user.roles, user.scopes))}
    )
