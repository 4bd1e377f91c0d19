"""Use cases of signing in: an access token of minutes, and a refresh token that is good for one use.

A refresh token that comes a second time has been copied: its whole sign-in ends, for the thief and for the owner.
Source: RFC 9700 (OAuth 2.0 Security Best Current Practice), section 4.14.2.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import structlog

from device_management.auth.errors import BadCredentials, BadRefreshToken, RefreshTokenReused
from device_management.auth.gateway import Passwords
from device_management.auth.models import RefreshToken, SignIn, User
from device_management.auth.schemas import SCOPES, Me, OwnOrganization, TokenPair
from device_management.auth.store import AuthStore
from device_management.organizations.service import OrganizationService
from shared.clock import Clock
from shared.ids import Ids
from shared.tokens import Audience, Claims, TokenSigner

_MAX_PASSWORD_CHARS = 1_024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Lifetimes:
    access: timedelta
    refresh: timedelta


class AuthService:
    def __init__(
        self,
        store: AuthStore,
        organizations: OrganizationService,
        *,
        passwords: Passwords,
        signer: TokenSigner,
        lifetimes: Lifetimes,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._organizations = organizations
        self._passwords = passwords
        self._signer = signer
        self._lifetimes = lifetimes
        self._clock = clock
        self._ids = ids

    async def login(self, email: str, password: str) -> TokenPair:
        """Begins a sign-in. Raises BadCredentials, OrganizationIsSuspended."""
        user = None
        if len(password) <= _MAX_PASSWORD_CHARS and "\0" not in email:
            user = await self._store.find_user_by_email(email.strip().lower())
        if not await self._passwords.matches(password[:_MAX_PASSWORD_CHARS], user.password_hash if user else None):
            raise BadCredentials
        assert user is not None  # noqa: S101 - a match has a person
        await self._organizations.require_active(user.organization_id)
        sign_in = SignIn(id=self._ids.new(), user_id=_id(user), created_at=self._clock.now())
        self._store.add_sign_in(sign_in)
        return await self._tokens(user, sign_in.id)

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Exchanges a refresh token for a new pair.

        Raises BadRefreshToken, OrganizationIsSuspended, and RefreshTokenReused the second time.
        """
        digest = _digest(refresh_token)
        if await self._store.use_refresh_token(digest):
            _, sign_in, user = await self._known(digest)
            await self._organizations.require_active(user.organization_id)
            return await self._tokens(user, sign_in.id)
        token, sign_in, user = await self._known(digest)
        if token.used_at is None:
            raise BadRefreshToken
        _log.warning("a refresh token came twice; its sign-in ends", user_id=user.id)
        await self._store.end_sign_in(sign_in.id, "refresh token reused")
        raise RefreshTokenReused

    async def logout(self, refresh_token: str) -> None:
        """Ends the sign-in of this refresh token. An unknown one is no error: the caller is signed out either way."""
        known = await self._store.find_refresh_token(_digest(refresh_token))
        if known is not None:
            await self._store.end_sign_in(known[1].id, "signed out")

    async def me(self, user_id: int, scopes: frozenset[str]) -> Me:
        """Raises BadCredentials for a person who is gone."""
        user = await self._store.find_user(user_id)
        if user is None:
            raise BadCredentials
        organization = await self._organizations.get(user.organization_id)
        return Me(
            id=_id(user),
            email=user.email,
            name=user.name,
            organization=OwnOrganization.model_validate(organization, from_attributes=True),
            scopes=sorted(scopes),
        )

    async def ensure_first_administrator(self, *, email: str, password: str, slug: str, organization: str) -> None:
        """Makes the first organization and administrator where there is no person yet; else changes nothing."""
        if await self._store.has_users():
            return
        owner = await self._organizations.ensure(slug=slug, name=organization)
        assert owner.id is not None  # noqa: S101 - it comes from the database
        await self._store.add_user_unless_known(
            User(
                organization_id=owner.id,
                email=email.strip().lower(),
                name="Administrator",
                password_hash=await self._passwords.hash(password),
                scopes=list(SCOPES),
                created_at=self._clock.now(),
            )
        )

    async def forget_expired(self) -> None:
        await self._store.forget_expired(self._clock.now() - self._lifetimes.refresh)

    async def _known(self, digest: bytes) -> tuple[RefreshToken, SignIn, User]:
        known = await self._store.find_refresh_token(digest)
        if known is None:
            raise BadRefreshToken
        return known

    async def _tokens(self, user: User, sign_in: UUID) -> TokenPair:
        now = self._clock.now()
        secret = secrets.token_urlsafe(32)
        await self._store.add_refresh_token(
            RefreshToken(digest=_digest(secret), sign_in_id=sign_in, expires_at=now + self._lifetimes.refresh)
        )
        access = self._signer.sign(
            Claims(
                subject=str(user.id),
                organization_id=user.organization_id,
                audience=Audience.PEOPLE,
                token_id=str(self._ids.new()),
                not_before=now,
                expires_at=now + self._lifetimes.access,
                scopes=frozenset(user.scopes),
                session=str(sign_in),
                name=user.email,
            )
        )
        expires_in = int(self._lifetimes.access.total_seconds())
        return TokenPair(access_token=access, expires_in=expires_in, refresh_token=secret)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _id(user: User) -> int:
    assert user.id is not None  # noqa: S101 - it comes from the database
    return user.id
