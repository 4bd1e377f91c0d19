"""Roles over REST, for administrators of their organization."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from device_management.organizations.schemas import AnotherOrganization
from device_management.roles.errors import (
    LastAdministrator,
    RoleInUse,
    RoleIsBuiltIn,
    RoleNameTaken,
    RoleNotFound,
    ScopeNotHeld,
    TooManyRoles,
)
from device_management.roles.schemas import RoleCreate, RoleEdit, RoleName, RoleRead
from device_management.roles.service import RoleService
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import MAX_LIMIT, Cursor, Limit, Page, link_next
from shared.http.preconditions import TAGGED, IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/roles", tags=["roles"])

Roles = Annotated[RoleService, use(RoleService)]
Administrator = Annotated[Principal, requires("organization:admin")]
Name = Annotated[RoleName, Path(), raises(RoleNotFound)]


@router.post("", status_code=201, responses={201: TAGGED})
@raises(ScopeNotHeld, RoleIsBuiltIn, RoleNameTaken, TooManyRoles)
async def create(
    body: RoleCreate,
    who: Administrator,
    roles: Roles,
    answer: Annotated[Once, Depends(once)],
    response: Response,
    organization: AnotherOrganization = None,
) -> RoleRead:
    """Nobody puts scopes into a role that they do not hold themselves."""
    return await answer.keep(tagged(response, await roles.create(who, organization, body)))


@router.get("")
async def page(
    who: Administrator,
    roles: Roles,
    request: Request,
    response: Response,
    organization: AnotherOrganization = None,
    limit: Limit = MAX_LIMIT,
    cursor: Cursor = None,
) -> Page[RoleRead]:
    """The built-in ones first; one page holds all that an organization may have, unless told otherwise."""
    found = await roles.page(who, organization, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{name}")
async def get(
    name: Name, who: Administrator, roles: Roles, response: Response, organization: AnotherOrganization = None
) -> RoleRead:
    return tagged(response, await roles.get(who, organization, name))


@router.patch("/{name}")
@raises(RoleIsBuiltIn, ScopeNotHeld, LastAdministrator)
async def edit(
    name: Name,
    body: RoleEdit,
    who: Administrator,
    roles: Roles,
    expected: IfMatch,
    response: Response,
    organization: AnotherOrganization = None,
) -> RoleRead:
    """Whoever holds it has more scopes with their next token, and fewer within 5 s."""
    return tagged(response, await roles.edit(who, organization, name, body, expected))


@router.delete("/{name}", status_code=204)
@raises(RoleIsBuiltIn, RoleInUse, ScopeNotHeld)
async def remove(
    name: Name, who: Administrator, roles: Roles, expected: IfMatch, organization: AnotherOrganization = None
) -> None:
    """Only a role that nobody holds."""
    await roles.remove(who, organization, name, expected)
