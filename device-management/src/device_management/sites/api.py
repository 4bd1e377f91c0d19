"""Sites over REST."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from device_management.audit.schemas import Actor
from device_management.sites.errors import SiteNameTaken, SiteNotFound, UnacceptableTemplate, UnknownDevices
from device_management.sites.schemas import DevicesMoved, SiteChange, SiteCreate, SiteDeviceRead, SiteDevices, SiteRead
from device_management.sites.service import SiteService
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.preconditions import IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/sites", tags=["sites"])

Sites = Annotated[SiteService, use(SiteService)]
Reader = Annotated[Principal, requires("devices:read")]
Writer = Annotated[Principal, requires("devices:write")]
SiteId = Annotated[int, Path(ge=1, lt=2**63), raises(SiteNotFound)]


@router.post("", status_code=201)
@raises(SiteNameTaken, UnacceptableTemplate)
async def create(body: SiteCreate, who: Writer, sites: Sites, answer: Annotated[Once, Depends(once)]) -> SiteRead:
    """Adds a site; a worker connects to its broker within seconds, and `link` says how that goes."""
    return await answer.keep(await sites.create(who.organization_id, Actor.of(who), body))


@router.get("")
async def page(
    who: Reader, sites: Sites, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[SiteRead]:
    """The organization's sites with their links, oldest first."""
    found = await sites.page(who.organization_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{site_id}")
async def get(site_id: SiteId, who: Reader, sites: Sites, response: Response) -> SiteRead:
    """One site; the password is never shown."""
    return tagged(response, await sites.get(who.organization_id, site_id))


@router.patch("/{site_id}")
@raises(SiteNameTaken, UnacceptableTemplate)
async def change(
    site_id: SiteId, body: SiteChange, who: Writer, sites: Sites, expected: IfMatch, response: Response
) -> SiteRead:
    """Changes what the body names; the link starts anew."""
    return tagged(response, await sites.change(who.organization_id, site_id, Actor.of(who), body, expected))


@router.delete("/{site_id}", status_code=204)
async def remove(site_id: SiteId, who: Writer, sites: Sites, expected: IfMatch) -> None:
    """Removes the site and ends its link; its devices stay, without a site."""
    await sites.remove(who.organization_id, site_id, Actor.of(who), expected)


@router.get("/{site_id}/devices")
async def devices(
    site_id: SiteId,
    who: Reader,
    sites: Sites,
    request: Request,
    response: Response,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SiteDeviceRead]:
    """The devices heard at the site."""
    found = await sites.devices(who.organization_id, site_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.post("/{site_id}/devices")
@raises(UnknownDevices)
async def place(site_id: SiteId, body: SiteDevices, who: Writer, sites: Sites) -> DevicesMoved:
    """Says that devices are at this site, all of them or none; each leaves the site where it was."""
    return await sites.place(who.organization_id, site_id, body, who=Actor.of(who))


@router.post("/{site_id}/devices/remove")
@raises(UnknownDevices)
async def take_away(site_id: SiteId, body: SiteDevices, who: Writer, sites: Sites) -> DevicesMoved:
    """Says that devices are not at this site; one that the site's broker is heard to carry comes back to it."""
    return await sites.take_away(who.organization_id, site_id, body, who=Actor.of(who))
