"""Groups over REST, and the dry run of a search."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from device_management.audit.schemas import Actor
from device_management.devices.schemas import DeviceRead
from device_management.groups.errors import GroupNameTaken, GroupNotFound, UnknownDevices, WrongGroupKind
from device_management.groups.schemas import (
    GroupChange,
    GroupCreate,
    GroupRead,
    Members,
    MembersChanged,
    Search,
    SearchRead,
)
from device_management.groups.service import GroupService, SelectionService
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.preconditions import IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use
from shared.rql.errors import BadQuery, QueryTooSlow

router = APIRouter(prefix="/groups", tags=["groups"])
search_router = APIRouter(prefix="/devices/search", tags=["devices"])

Groups = Annotated[GroupService, use(GroupService)]
Reader = Annotated[Principal, requires("devices:read")]
Writer = Annotated[Principal, requires("devices:write")]
GroupId = Annotated[int, Path(ge=1, lt=2**63), raises(GroupNotFound)]


@search_router.post("")
@raises(BadQuery, QueryTooSlow)
async def search(
    body: Search, who: Reader, selection: Annotated[SelectionService, use(SelectionService)]
) -> SearchRead:
    """A dry run of a query: how many devices it finds, counted to 100,000, and the first of them."""
    return await selection.search(who.organization_id, body)


@router.post("", status_code=201)
@raises(GroupNameTaken, BadQuery)
async def create(body: GroupCreate, who: Writer, groups: Groups, answer: Annotated[Once, Depends(once)]) -> GroupRead:
    """Makes a group: a query group when it has `rql`, else a fixed one without members yet."""
    return await answer.keep(await groups.create(who.organization_id, body, by=Actor.of(who)))


@router.get("")
async def page(
    who: Reader, groups: Groups, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[GroupRead]:
    """The organization's groups, oldest first."""
    found = await groups.page(who.organization_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{group_id}")
async def get(group_id: GroupId, who: Reader, groups: Groups, response: Response) -> GroupRead:
    return tagged(response, await groups.get(who.organization_id, group_id))


@router.patch("/{group_id}")
@raises(GroupNameTaken, WrongGroupKind, BadQuery)
async def change(
    group_id: GroupId, body: GroupChange, who: Writer, groups: Groups, expected: IfMatch, response: Response
) -> GroupRead:
    """Changes what the body names."""
    return tagged(
        response, await groups.change(who.organization_id, group_id, body, by=Actor.of(who), expected=expected)
    )


@router.delete("/{group_id}", status_code=204)
async def delete(group_id: GroupId, who: Writer, groups: Groups, expected: IfMatch) -> None:
    """Deletes the group; its devices stay."""
    await groups.delete(who.organization_id, group_id, by=Actor.of(who), expected=expected)


@router.get("/{group_id}/members")
@raises(QueryTooSlow)
async def members(
    group_id: GroupId,
    who: Reader,
    groups: Groups,
    request: Request,
    response: Response,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeviceRead]:
    """The devices in the group, of a query group those it finds now; oldest first."""
    found = await groups.members(who.organization_id, group_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.post("/{group_id}/members")
@raises(WrongGroupKind, UnknownDevices)
async def add_members(group_id: GroupId, body: Members, who: Writer, groups: Groups) -> MembersChanged:
    """Adds devices to a fixed group, all of them or none; one that is a member already stays one."""
    return await groups.add_members(who.organization_id, group_id, body, by=Actor.of(who))


@router.post("/{group_id}/members/remove")
@raises(WrongGroupKind, UnknownDevices)
async def remove_members(group_id: GroupId, body: Members, who: Writer, groups: Groups) -> MembersChanged:
    """Takes devices out of a fixed group."""
    return await groups.remove_members(who.organization_id, group_id, body, by=Actor.of(who))
