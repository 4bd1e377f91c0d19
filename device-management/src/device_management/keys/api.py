"""API keys and gateways over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from device_management.auth.errors import BadCredentials
from device_management.keys.errors import KeyNotFound, KeysMakeNoKeys
from device_management.keys.schemas import ApiKeyCreate, GatewayCreate, KeyIssued, KeyRead
from device_management.keys.service import KeyService
from device_management.keys.states import KeyKind
from device_management.roles.errors import ScopeNotHeld
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(tags=["keys"])

Keys = Annotated[KeyService, use(KeyService)]
Person = Annotated[Principal, requires()]
Administrator = Annotated[Principal, requires("organization:admin")]
KeyId = Annotated[UUID, raises(KeyNotFound)]


@router.post("/api-keys", status_code=201)
@raises(KeysMakeNoKeys, ScopeNotHeld, BadCredentials)
async def issue_api_key(
    body: ApiKeyCreate, who: Person, keys: Keys, answer: Annotated[Once, Depends(once)]
) -> KeyIssued:
    """A token for programs that speaks for the caller; shown this once."""
    return await answer.keep(await keys.issue_api_key(who, body))


@router.get("/api-keys")
async def api_keys(
    who: Person, keys: Keys, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[KeyRead]:
    """One's own; all of the organization for its administrators."""
    found = await keys.page(who, KeyKind.API_KEY, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.delete("/api-keys/{key_id}", status_code=204)
async def revoke_api_key(key_id: KeyId, who: Person, keys: Keys) -> None:
    """Refuses the key everywhere within 5 s, open live streams included."""
    await keys.revoke(who, KeyKind.API_KEY, key_id)


@router.post("/gateways", status_code=201)
async def issue_gateway(
    body: GatewayCreate, who: Administrator, keys: Keys, answer: Annotated[Once, Depends(once)]
) -> KeyIssued:
    """A token with which a gateway registers unknown devices and sends telemetry for those of the organization."""
    return await answer.keep(await keys.issue_gateway(who, body))


@router.get("/gateways")
async def gateways(
    who: Administrator, keys: Keys, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[KeyRead]:
    found = await keys.page(who, KeyKind.GATEWAY, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.delete("/gateways/{key_id}", status_code=204)
async def revoke_gateway(key_id: KeyId, who: Administrator, keys: Keys) -> None:
    """Refuses the gateway everywhere within 5 s. The devices it has registered stay."""
    await keys.revoke(who, KeyKind.GATEWAY, key_id)
