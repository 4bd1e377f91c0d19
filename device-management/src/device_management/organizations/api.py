"""Organizations over REST."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from device_management.organizations.errors import NotForOneself, OrganizationNotFound, SlugTaken
from device_management.organizations.schemas import (
    MAX_ID,
    OrganizationCreate,
    OrganizationDetail,
    OrganizationEdit,
    OrganizationRead,
)
from device_management.organizations.service import OrganizationService
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.preconditions import IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/organizations", tags=["organizations"])

Organizations = Annotated[OrganizationService, use(OrganizationService)]
Anybody = Annotated[Principal, requires()]
Administrator = Annotated[Principal, requires("organization:admin")]
Platform = Annotated[Principal, requires("platform:admin")]
Id = Annotated[int, Path(ge=1, le=MAX_ID), raises(OrganizationNotFound)]


@router.post("", status_code=201)
@raises(SlugTaken)
async def create(
    body: OrganizationCreate, who: Platform, organizations: Organizations, answer: Annotated[Once, Depends(once)]
) -> OrganizationRead:
    return await answer.keep(await organizations.create(who, body))


@router.get("")
async def page(
    _: Platform,
    organizations: Organizations,
    request: Request,
    response: Response,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OrganizationRead]:
    """All organizations of the platform, oldest first."""
    found = await organizations.page(cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{organization_id}")
async def get(
    organization_id: Id, who: Anybody, organizations: Organizations, response: Response
) -> OrganizationDetail:
    """One's own organization, and any other for a platform administrator."""
    return tagged(response, await organizations.read(who, organization_id))


@router.patch("/{organization_id}")
async def edit(
    organization_id: Id,
    body: OrganizationEdit,
    who: Administrator,
    organizations: Organizations,
    expected: IfMatch,
    response: Response,
) -> OrganizationDetail:
    """Name and settings for its administrators; the device limit (null: none) for the platform's alone."""
    return tagged(response, await organizations.edit(who, organization_id, body, expected))


@router.post("/{organization_id}/suspend")
@raises(NotForOneself)
async def suspend(organization_id: Id, who: Platform, organizations: Organizations) -> OrganizationRead:
    """Refuses its people and devices everywhere within 5 s, open connections included, until it is reactivated."""
    return await organizations.suspend(who, organization_id)


@router.post("/{organization_id}/reactivate")
async def reactivate(organization_id: Id, who: Platform, organizations: Organizations) -> OrganizationRead:
    return await organizations.reactivate(who, organization_id)
