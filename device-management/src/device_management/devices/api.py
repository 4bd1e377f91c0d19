"""Devices over REST."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from device_management.devices.schemas import DeviceCreate, DeviceRead, DeviceTokenRead
from device_management.devices.service import DeviceService
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/devices", tags=["devices"])

Devices = Annotated[DeviceService, use(DeviceService)]
Reader = Annotated[Principal, requires("devices:read")]
Writer = Annotated[Principal, requires("devices:write")]


@router.post("", status_code=201)
async def register(
    body: DeviceCreate, who: Writer, devices: Devices, answer: Annotated[Once, Depends(once)]
) -> DeviceRead:
    """Registers a device of the caller's organization."""
    return await answer.keep(await devices.register(who.organization_id, body))


@router.get("")
async def page(
    who: Reader, devices: Devices, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[DeviceRead]:
    """The organization's devices, oldest first."""
    found = await devices.page(who.organization_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{id_or_uid}", response_model=DeviceRead)
async def get(id_or_uid: str, who: Reader, devices: Devices) -> Response:
    """One device, by id or uid; at most 5 s old."""
    answer = await devices.get(who.organization_id, id_or_uid)
    return Response(answer.body, headers={"ETag": answer.etag}, media_type="application/json")


@router.post("/{id_or_uid}/token", status_code=201)
async def issue_token(id_or_uid: str, who: Writer, devices: Devices) -> DeviceTokenRead:
    """A token for the device, shown this once. Tokens issued before stay good until they expire or are revoked."""
    return await devices.issue_token(who.organization_id, id_or_uid)


@router.delete("/{id_or_uid}/token", status_code=204)
async def revoke_tokens(id_or_uid: str, who: Writer, devices: Devices) -> None:
    """Revokes every token of the device and ends its connections, within 5 s."""
    await devices.revoke_tokens(who.organization_id, id_or_uid)
