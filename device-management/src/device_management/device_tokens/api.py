"""Device tokens over REST."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends

from device_management.audit.schemas import Actor
from device_management.device_tokens.schemas import DAY, DeviceTokenRead, RotatedTokenRead, TokenRotate
from device_management.device_tokens.service import DeviceTokenService
from device_management.devices.errors import DeviceIsRetired
from device_management.devices.schemas import DeviceReference
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/devices/{id_or_uid}/token", tags=["devices"])

Tokens = Annotated[DeviceTokenService, use(DeviceTokenService)]
Writer = Annotated[Principal, requires("devices:write")]


@router.post("", status_code=201)
@raises(DeviceIsRetired)
async def issue_token(
    id_or_uid: DeviceReference, who: Writer, tokens: Tokens, answer: Annotated[Once, Depends(once)]
) -> DeviceTokenRead:
    """A token for the device, shown this once. Tokens issued before stay good until they expire or are revoked."""
    return await answer.keep(await tokens.issue(who.organization_id, id_or_uid))


@router.post("/rotate", status_code=201)
@raises(DeviceIsRetired)
async def rotate_token(
    id_or_uid: DeviceReference,
    who: Writer,
    tokens: Tokens,
    answer: Annotated[Once, Depends(once)],
    body: TokenRotate | None = None,
) -> RotatedTokenRead:
    """A new token; those issued before stay good for `overlap_s`, a day unless said otherwise."""
    overlap = timedelta(seconds=body.overlap_s if body else DAY)
    return await answer.keep(await tokens.rotate(who.organization_id, id_or_uid, overlap=overlap, by=Actor.of(who)))


@router.delete("", status_code=204)
async def revoke_tokens(id_or_uid: DeviceReference, who: Writer, tokens: Tokens) -> None:
    """Revokes every token of the device and ends its connections, within 5 s."""
    await tokens.revoke(who.organization_id, id_or_uid, by=Actor.of(who))
