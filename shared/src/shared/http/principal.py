"""Who is calling: the claims of a verified token, and the scopes a path asks for.

Authentication is offline (see `shared.tokens`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from shared.errors import DomainError
from shared.http.declared import raises, secured
from shared.tokens import Audience, InvalidToken, KeyRing

bearer = HTTPBearer(auto_error=False)

_SIGNED = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
SECURITY_SCHEMES = {
    "person": {**_SIGNED, "description": "An access token from POST /api/v2/auth/login, or an API key"},
    "gateway": {**_SIGNED, "description": "An organization's gateway token"},
    "device": {**_SIGNED, "description": "A device's own token"},
}
"""Of the OpenAPI document: every credential is a signed token in `Authorization: Bearer`."""


class Unauthenticated(DomainError):
    """No token, or none that is valid (any more)."""

    status = 401
    code = "unauthenticated"

    def __init__(self, detail: str = "sign in: the request carries no valid token") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(DomainError):
    """The bearer is known and may not do this."""

    status = 403
    code = "forbidden"


@dataclass(frozen=True)
class Principal:
    """A person or their program, a device, a gateway; `subject` is the user's id, the uid, the gateway's id."""

    audience: Audience
    subject: str
    organization_id: int
    scopes: frozenset[str]
    session: str | None
    generation: int | None
    expires_at: datetime
    token_id: str = ""
    name: str | None = None

    @property
    def is_device(self) -> bool:
        return self.audience is Audience.DEVICE

    @property
    def is_key(self) -> bool:
        """An API key or a gateway: a token that somebody was handed, without a sign-in."""
        return not self.is_device and self.session is None

    def require(self, *scopes: str) -> None:
        """Raises Forbidden, and tells which of `scopes` is missing."""
        missing = set(scopes) - self.scopes
        if missing:
            raise Forbidden(f"the token lacks the scope {' '.join(sorted(missing))}")


def authenticate(keys: KeyRing, token: str | None, *audiences: Audience) -> Principal:
    """The bearer of `token`. Raises Unauthenticated, and Forbidden for a valid token of the other kind."""
    if not token:
        raise Unauthenticated
    try:
        claims = keys.verify(token, *Audience)
    except InvalidToken:
        raise Unauthenticated from None
    if claims.audience not in audiences:
        raise Forbidden(f"a token for {claims.audience} is of no use here")
    principal = Principal(
        audience=claims.audience,
        subject=claims.subject,
        organization_id=claims.organization_id,
        scopes=claims.scopes,
        session=claims.session,
        generation=claims.generation,
        expires_at=claims.expires_at,
        token_id=claims.token_id,
        name=claims.name,
    )
    if principal.is_key:
        keys.note_use(principal.token_id)
    return principal


def authenticate_for_device(keys: KeyRing, token: str | None, uid: str, *audiences: Audience) -> Principal:
    """The bearer of `token`, who is the device `uid` or, where `audiences` let it in, a gateway.

    For a gateway the service must see to it that the device is of its organization. Raises Unauthenticated and
    Forbidden, also for the token of another device.
    """
    principal = authenticate(keys, token, *audiences)
    if principal.is_device and principal.subject != uid:
        raise Forbidden("a device speaks for itself only")
    return principal


def requires(*scopes: str, gateways: bool = False) -> Any:
    """A dependency: a person's principal that holds every one of `scopes`, or with `gateways` a gateway's."""

    @raises(Unauthenticated, Forbidden)
    @secured({"person": list(scopes), **({"gateway": []} if gateways else {})})
    async def resolve(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
    ) -> Principal:
        audiences = (Audience.PEOPLE, Audience.GATEWAY) if gateways else (Audience.PEOPLE,)
        principal = authenticate(request.app.state.keys, _token(credentials), *audiences)
        if principal.audience is not Audience.GATEWAY:
            principal.require(*scopes)
        return principal

    return Depends(resolve)


def requires_device(*, gateways: bool = False) -> Any:
    """A dependency: a device's principal, acting for the device in the path's `uid`.

    With `gateways` also a gateway's, and then the service must see to it that the device is of its organization.
    """

    @raises(Unauthenticated, Forbidden)
    @secured({"device": [], **({"gateway": []} if gateways else {})})
    async def resolve(
        uid: str, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
    ) -> Principal:
        audiences = (Audience.DEVICE, Audience.GATEWAY) if gateways else (Audience.DEVICE,)
        return authenticate_for_device(request.app.state.keys, _token(credentials), uid, *audiences)

    return Depends(resolve)


def _token(credentials: HTTPAuthorizationCredentials | None) -> str | None:
    return credentials.credentials if credentials else None
