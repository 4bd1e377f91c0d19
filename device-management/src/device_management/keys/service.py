"""Use cases of keys: issue, list, revoke, and note their last use."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from device_management.audit.schemas import Actor, Change
from device_management.audit.service import AuditService
from device_management.auth.service import AuthService
from device_management.keys.errors import KeyNotFound, KeysMakeNoKeys
from device_management.keys.models import Gateway, Key
from device_management.keys.schemas import ApiKeyCreate, GatewayCreate, KeyIssued, KeyRead
from device_management.keys.states import KeyKind
from device_management.keys.store import KeyStore
from device_management.revocations.service import RevocationService
from device_management.roles.errors import ScopeNotHeld
from device_management.roles.states import beyond
from shared.clock import Clock
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.principal import Principal
from shared.ids import Ids
from shared.revocations import Kind, Revocation
from shared.tokens import Audience, Claims, TokenSigner, key_token

_ADMINISTRATOR = "organization:admin"
_AFTER_EXPIRY = timedelta(minutes=1)


class KeyService:
    def __init__(
        self,
        store: KeyStore,
        auth: AuthService,
        revocations: RevocationService,
        audit: AuditService,
        *,
        signer: TokenSigner,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._auth = auth
        self._revocations = revocations
        self._audit = audit
        self._signer = signer
        self._clock = clock
        self._ids = ids

    async def issue_api_key(self, who: Principal, body: ApiKeyCreate) -> KeyIssued:
        """A token that speaks for the caller, with no more than what they hold.

        Raises KeysMakeNoKeys, ScopeNotHeld, BadCredentials.
        """
        if who.is_key:
            raise KeysMakeNoKeys
        if missing := beyond(body.scopes, await self._auth.present_scopes(who)):
            raise ScopeNotHeld(missing)
        scopes = sorted(set(body.scopes))
        return await self._issue(
            who, KeyKind.API_KEY, body.name, body.expires_in_days, user_id=int(who.subject), scopes=scopes
        )

    async def issue_gateway(self, who: Principal, body: GatewayCreate) -> KeyIssued:
        """A token with which a gateway registers devices of the organization and speaks for them."""
        return await self._issue(who, KeyKind.GATEWAY, body.name, body.expires_in_days, user_id=None, scopes=[])

    async def page(self, who: Principal, kind: KeyKind, *, cursor: str | None, limit: int) -> Page[KeyRead]:
        """The caller's own API keys, or for administrators the organization's. Raises BadCursor."""
        after = decode_cursor(cursor, UUID)[0] if cursor else None
        rows = await self._store.page(who.organization_id, kind, user_id=_owner(who), after=after, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda key: (key.id,))
        return Page(items=[_read(key) for key in kept], next=following)

    async def revoke(self, who: Principal, kind: KeyKind, key_id: UUID) -> None:
        """Refuses its token everywhere within 5 s. Again is no error. Raises KeyNotFound."""
        key = await self._store.find(who.organization_id, kind, key_id, user_id=_owner(who))
        if key is None:
            raise KeyNotFound
        await self._revoke(Actor.of(who), who.organization_id, [key])

    async def revoke_beyond(self, who: Principal, organization_id: int, held: Mapping[int, Iterable[str]]) -> None:
        """Revokes people's keys that hold more than what they hold themselves, by their ids."""
        keys = await self._store.alive_of(organization_id, held)
        too_much = [key for key in keys if key.user_id is not None and beyond(key.scopes, held[key.user_id])]
        await self._revoke(Actor.of(who), organization_id, too_much)

    async def gateways(self, ids: Collection[UUID]) -> list[Gateway]:
        """Those of them that were ever issued, to whichever organization."""
        return await self._store.gateways(ids)

    async def gateways_of(self, organization_ids: Collection[int]) -> Sequence[UUID]:
        """The ids of these organizations' gateways whose tokens are good."""
        return await self._store.gateways_of(organization_ids)

    async def note_used(self, used: Mapping[UUID, datetime]) -> None:
        """When keys were last used, noted by whoever verified their tokens."""
        if used:
            await self._store.note_used(used)

    async def _issue(
        self, who: Principal, kind: KeyKind, name: str, days: int, *, user_id: int | None, scopes: Sequence[str]
    ) -> KeyIssued:
        now = self._clock.now()
        key = Key(
            id=self._ids.new(),
            organization_id=who.organization_id,
            kind=kind,
            user_id=user_id,
            name=name,
            scopes=list(scopes),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        self._store.add(key)
        await self._record(Actor.of(who), key.organization_id, [Change(kind, str(key.id), "issued", after=_state(key))])
        claims = Claims(
            subject=str(key.id if user_id is None else user_id),
            organization_id=key.organization_id,
            audience=Audience.GATEWAY if kind is KeyKind.GATEWAY else Audience.PEOPLE,
            token_id=str(key.id),
            not_before=now,
            expires_at=key.expires_at,
            scopes=frozenset(scopes),
            name=name,
        )
        return KeyIssued(**_read(key).model_dump(), token=key_token(_prefix(key), self._signer.sign(claims)))

    async def _revoke(self, who: Actor, organization_id: int, keys: Sequence[Key]) -> None:
        revoked = await self._store.revoke(organization_id, [key.id for key in keys])
        entries = [Revocation(Kind.TOKEN, str(key.id), 1, until=key.expires_at + _AFTER_EXPIRY) for key in revoked]
        await self._revocations.tell(organization_id, entries)
        await self._record(
            who, organization_id, [Change(key.kind, str(key.id), "revoked", _state(key), None) for key in revoked]
        )

    async def _record(self, who: Actor, organization_id: int, changes: list[Change]) -> None:
        await self._audit.record(organization_id, who, changes)


def _owner(who: Principal) -> int | None:
    """Whose keys the caller sees: everybody's for an administrator."""
    return None if _ADMINISTRATOR in who.scopes else int(who.subject)


def _prefix(key: Key) -> str:
    return key.id.hex[:8]


def _state(key: Key) -> dict[str, object]:
    return key.model_dump(include={"name", "user_id", "scopes", "expires_at"})


def _read(key: Key) -> KeyRead:
    return KeyRead.model_validate({**key.model_dump(), "prefix": _prefix(key)})
