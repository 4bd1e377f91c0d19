"""Bandwidth over REST."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from ota_service.bandwidth.errors import SiteNotFound
from ota_service.bandwidth.schemas import BandwidthEdit, BandwidthRead, SiteId
from ota_service.bandwidth.service import BandwidthService
from shared.http.declared import raises
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/firmware/bandwidth", tags=["firmware"])

Bandwidth = Annotated[BandwidthService, use(BandwidthService)]
Reader = Annotated[Principal, requires("updates:read")]
Writer = Annotated[Principal, requires("updates:write")]
Id = Annotated[SiteId, Path(), raises(SiteNotFound)]


@router.get("")
async def page(
    who: Reader, bandwidth: Bandwidth, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[BandwidthRead]:
    """The sites whose devices may download only so fast."""
    found = await bandwidth.page(who.organization_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.put("/{site_id}")
async def limit(site_id: Id, body: BandwidthEdit, who: Writer, bandwidth: Bandwidth) -> BandwidthRead:
    """Lets the devices of a site download no faster than this, all of them together."""
    return await bandwidth.limit(who.organization_id, site_id, body, who.subject)


@router.delete("/{site_id}", status_code=204)
async def unlimit(site_id: Id, who: Writer, bandwidth: Bandwidth) -> None:
    """Lets them download as fast as they can."""
    await bandwidth.unlimit(who.organization_id, site_id)
