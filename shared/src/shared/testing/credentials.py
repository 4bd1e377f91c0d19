"""Keys and tokens for tests, signed like real ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from shared.manifests import create_manifest_keys
from shared.sealing import create_sealing_key
from shared.tokens import Audience, Claims, KeyRing, TokenSigner, create_keys


class Credentials:
    """The keys in `directory` and the tokens they sign."""

    def __init__(self, directory: Path) -> None:
        create_keys(directory)
        create_manifest_keys(directory)
        create_sealing_key(directory)
        self.directory = directory
        self.signer = TokenSigner.load(directory)
        self.keys = KeyRing.load(directory)

    def person(
        self,
        *scopes: str,
        organization_id: int = 1,
        user: str = "1",
        session: str | None = None,
        lifetime: timedelta = timedelta(minutes=15),
    ) -> str:
        """An access token; a negative `lifetime` makes a stale one."""
        return self._sign(Audience.PEOPLE, user, organization_id, lifetime, scopes=frozenset(scopes), session=session)

    def device(
        self, uid: str, *, organization_id: int = 1, generation: int = 1, lifetime: timedelta = timedelta(days=1)
    ) -> str:
        return self._sign(Audience.DEVICE, uid, organization_id, lifetime, generation=generation)

    def gateway(self, *, organization_id: int = 1, gateway: str = "9b2e6c1e-0000-4000-8000-000000000001") -> str:
        return self._sign(Audience.GATEWAY, gateway, organization_id, timedelta(days=1))

    def _sign(
        self,
        audience: Audience,
        subject: str,
        organization_id: int,
        lifetime: timedelta,
        *,
        scopes: frozenset[str] = frozenset(),
        session: str | None = None,
        generation: int | None = None,
    ) -> str:
        now = datetime.now(UTC)
        claims = Claims(
            subject=subject,
            organization_id=organization_id,
            audience=audience,
            token_id=uuid4().hex,
            not_before=min(now, now + lifetime),
            expires_at=now + lifetime,
            scopes=scopes,
            session=session,
            generation=generation,
        )
        return self.signer.sign(claims)
