"""Use cases of signing in: an access token of minutes, and a refresh token that is good for one use.

A refresh token that comes a second time has been copied: its whole sign-in ends, for the thief and for the owner.
Within seconds, though, it is a page loaded anew or a second tab, and gets the same successor.
Source: RFC 9700 (OAuth 2.0 Security Best Current Practice), section 4.14.2.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import structlog

from device_management.audit.schemas import Actor, Change
from device_management.audit.service import AuditService
from device_management.auth.errors import (
    BadCredentials,
    BadRefreshToken,
    RefreshTokenReused,
    SignInNeeded,
    TooManyAttempts,
)
from device_management.auth.gateway import Attempts, Passwords
from device_management.auth.models import RefreshToken, SignIn, User
from device_management.auth.schemas import MAX_PASSWORD, Me, OwnOrganization, TokenPair
from device_management.auth.store import AuthStore
from device_management.organizations.service import OrganizationService
from device_management.revocations.service import RevocationService
from device_management.roles.service import RoleScopes
from device_management.roles.states import scopes_of
from shared.clock import Clock
from shared.http.principal import Principal
from shared.ids import Ids
from shared.revocations import Kind, Revocation
from shared.tokens import Audience, Claims, TokenSigner

_AFTER_EXPIRY = timedelta(minutes=1)
"""How much longer than a token its refusal is kept, for clocks that differ."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Lifetimes:
    access: timedelta
    refresh: timedelta
    grace: timedelta = timedelta(seconds=10)
    """How long after its use a refresh token still answers with its successor."""


class AuthService:
    def __init__(
        self,
        store: AuthStore,
        organizations: OrganizationService,
        revocations: RevocationService,
        audit: AuditService,
        roles: RoleScopes,
        *,
        passwords: Passwords,
        attempts: Attempts,
        signer: TokenSigner,
        lifetimes: Lifetimes,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._organizations = organizations
        self._revocations = revocations
        self._audit = audit
        self._roles = roles
        self._passwords = passwords
        self._attempts = attempts
        self._signer = signer
        self._lifetimes = lifetimes
        self._clock = clock
        self._ids = ids

    async def login(self, email: str, password: str, *, address: str) -> TokenPair:
        """Begins a sign-in. Raises BadCredentials, TooManyAttempts, OrganizationIsSuspended."""
        if not (_is_text(email) and _is_text(password)):
            raise BadCredentials
        email = email.strip().lower()
        if wait_s := await self._attempts.begin(email, address):
            raise TooManyAttempts(wait_s)
        user = None
        if len(password) <= MAX_PASSWORD and "\0" not in email:
            user = await self._store.find_user_by_email(email)
            await self._store.let_go()
        if not await self._passwords.matches(password[:MAX_PASSWORD], user.password_hash if user else None):
            raise BadCredentials
        if user is None:
            raise BadCredentials
        user = await self._unchanged(user)
        await self._attempts.succeeded(email, address)
        await self._organizations.require_active(user.organization_id)
        return await self._begin(user)

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Exchanges a refresh token for a new pair.

        Raises BadRefreshToken, OrganizationIsSuspended, and RefreshTokenReused the second time.
        """
        digest = _digest(refresh_token)
        used = await self._store.use_refresh_token(digest)
        token, sign_in, user = await self._known(digest)
        if not used:
            await self._require_grace(token, sign_in, user)
        if sign_in.ended_at is not None or not user.active:
            raise BadRefreshToken
        await self._organizations.require_active(user.organization_id)
        successor = self._signer.derive("refresh", refresh_token)
        if used:
            await self._keep(successor, sign_in.id)
        return await self._pair(user, sign_in.id, successor)

    async def logout(self, refresh_token: str) -> None:
        """Ends the sign-in of this refresh token. An unknown one is no error: the caller is signed out either way."""
        known = await self._store.find_refresh_token(_digest(refresh_token))
        if known is not None:
            _, sign_in, user = known
            await self._end(sign_in, user, "signed out")

    async def logout_everywhere(self, who: Principal) -> None:
        """Ends every sign-in of the caller, this one included. Raises BadCredentials, SignInNeeded."""
        user = await self._signed_in(who)
        await self.end_sign_ins(user, "signed out everywhere")

    async def change_password(self, who: Principal, current: str, new: str, *, address: str) -> TokenPair:
        """Takes the new password, ends every sign-in and begins one.

        Raises BadCredentials, TooManyAttempts, SignInNeeded.
        """
        user = await self._signed_in(who)
        if wait_s := await self._attempts.begin(user.email, address):
            raise TooManyAttempts(wait_s)
        await self._store.let_go()
        if not await self._passwords.matches(current, user.password_hash):
            raise BadCredentials
        await self._attempts.succeeded(user.email, address)
        hashed = await self.hash(new)
        user = await self._unchanged(user, alone=True)
        before = user.model_dump(include={"password_hash"})
        user.password_hash = hashed
        user = await self.end_sign_ins(user, "password changed")
        after = user.model_dump(include={"password_hash"})
        change = Change("user", str(user.id), "password_changed", before, after)
        await self._audit.record(user.organization_id, Actor.of(who), [change])
        return await self._begin(user)

    async def me(self, who: Principal) -> Me:
        """Raises BadCredentials for a person who is gone."""
        user = await self._find(who)
        organization = await self._organizations.get(user.organization_id)
        return Me(
            id=_id(user),
            email=user.email,
            name=user.name,
            organization=OwnOrganization.model_validate(organization, from_attributes=True),
            roles=user.roles,
            scopes=sorted(who.scopes),
        )

    async def present_scopes(self, who: Principal) -> frozenset[str]:
        """What the caller's token and the person themselves still hold; the person keeps it until the transaction ends.

        A token lives on for moments after its person has lost something. Raises BadCredentials.
        """
        user = await self._store.find_user_to_stay(int(who.subject))
        if user is None or user.organization_id != who.organization_id or not user.active:
            raise BadCredentials
        granted = await self._roles.granted(user.organization_id, user.roles)
        return who.scopes & scopes_of(user.roles, user.scopes, granted)

    async def hash(self, password: str) -> str:
        return await self._passwords.hash(password)

    async def end_sign_ins(self, user: User, because: str) -> User:
        """Ends every sign-in of the person; access tokens are refused everywhere from now on."""
        await self._store.end_sign_ins(_id(user), because)
        return await self.refuse_tokens(user)

    async def refuse_tokens(self, user: User) -> User:
        """Refuses the access tokens issued so far. Sign-ins go on: a refresh brings one with the present scopes."""
        [user] = await self.refuse_tokens_of(user.organization_id, [_id(user)])
        return user

    async def refuse_tokens_of(self, organization_id: int, user_ids: Sequence[int]) -> Sequence[User]:
        """The same for several people of one organization."""
        users = await self._store.raise_generations(organization_id, user_ids)
        entries = [Revocation(Kind.USER, str(user.id), user.token_generation, until=self._until()) for user in users]
        await self._revocations.tell(organization_id, entries)
        return users

    async def ensure_first_administrator(self, *, email: str, password: str, slug: str, organization: str) -> None:
        """Makes the first organization and administrator where there is no person yet; else changes nothing."""
        if await self._store.has_users():
            return
        owner = await self._organizations.ensure(slug=slug, name=organization)
        assert owner.id is not None  # noqa: S101 - it comes from the database
        now = self._clock.now()
        await self._store.add_user_unless_known(
            User(
                organization_id=owner.id,
                email=email.strip().lower(),
                name="Administrator",
                password_hash=await self.hash(password),
                roles=["platform"],
                created_at=now,
                updated_at=now,
            )
        )

    async def forget_expired(self) -> None:
        await self._store.forget_expired(self._clock.now() - self._lifetimes.refresh)

    async def _find(self, who: Principal) -> User:
        user = await self._store.find_user(int(who.subject))
        if user is None or user.organization_id != who.organization_id:
            raise BadCredentials
        return user

    async def _signed_in(self, who: Principal) -> User:
        if who.session is None:
            raise SignInNeeded
        return await self._find(who)

    async def _unchanged(self, user: User, *, alone: bool = False) -> User:
        """The person as they are now and stay until the transaction ends; `alone` they are held by this one only.

        Looking at a password takes its time. Raises BadCredentials when they may not sign in any more, or not by that.
        """
        password_hash = user.password_hash
        present = await self._store.find_user_to_stay(_id(user), alone=alone)
        if present is None or not present.active or present.password_hash != password_hash:
            raise BadCredentials
        return present

    async def _known(self, digest: bytes) -> tuple[RefreshToken, SignIn, User]:
        known = await self._store.find_refresh_token(digest)
        if known is None:
            raise BadRefreshToken
        return known

    async def _require_grace(self, token: RefreshToken, sign_in: SignIn, user: User) -> None:
        if token.used_at is None or sign_in.ended_at is not None:
            raise BadRefreshToken
        if await self._store.was_used_within(token.digest, self._lifetimes.grace):
            return
        _log.warning("a refresh token came twice; its sign-in ends", user_id=user.id)
        await self._end(sign_in, user, "refresh token reused")
        raise RefreshTokenReused

    async def _end(self, sign_in: SignIn, user: User, because: str) -> None:
        if await self._store.end_sign_in(sign_in.id, because):
            entry = Revocation(Kind.SESSION, str(sign_in.id), 1, until=self._until())
            await self._revocations.tell(user.organization_id, [entry])

    def _until(self) -> datetime:
        return self._clock.now() + self._lifetimes.access + _AFTER_EXPIRY

    async def _begin(self, user: User) -> TokenPair:
        sign_in = SignIn(id=self._ids.new(), user_id=_id(user), created_at=self._clock.now())
        self._store.add_sign_in(sign_in)
        secret = secrets.token_urlsafe(32)
        await self._keep(secret, sign_in.id)
        return await self._pair(user, sign_in.id, secret)

    async def _keep(self, secret: str, sign_in: UUID) -> None:
        expires_at = self._clock.now() + self._lifetimes.refresh
        await self._store.add_refresh_token(
            RefreshToken(digest=_digest(secret), sign_in_id=sign_in, expires_at=expires_at)
        )

    async def _pair(self, user: User, sign_in: UUID, refresh_token: str) -> TokenPair:
        """Reads the roles after the person: if they change in between, the person's generation is too old already."""
        granted = await self._roles.granted(user.organization_id, user.roles)
        now = self._clock.now()
        access = self._signer.sign(
            Claims(
                subject=str(user.id),
                organization_id=user.organization_id,
                audience=Audience.PEOPLE,
                token_id=str(self._ids.new()),
                not_before=now,
                expires_at=now + self._lifetimes.access,
                scopes=scopes_of(user.roles, user.scopes, granted),
                session=str(sign_in),
                generation=user.token_generation,
                name=user.email,
            )
        )
        expires_in = int(self._lifetimes.access.total_seconds())
        return TokenPair(access_token=access, expires_in=expires_in, refresh_token=refresh_token)


def _is_text(given: str) -> bool:
    """A form may name an encoding by which it holds half a surrogate pair, which nobody's e-mail or password does."""
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _id(user: User) -> int:
    assert user.id is not None  # noqa: S101 - it comes from the database
    return user.id
