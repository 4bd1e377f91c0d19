"""People over REST, for administrators of their organization."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from device_management.organizations.schemas import AnotherOrganization
from device_management.roles.errors import LastAdministrator, ScopeNotHeld, UnknownRole
from device_management.users.errors import EmailTaken, UserNotFound
from device_management.users.schemas import MAX_ID, UserCreate, UserEdit, UserRead
from device_management.users.service import UserService
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.preconditions import TAGGED, IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/users", tags=["users"])

Users = Annotated[UserService, use(UserService)]
Administrator = Annotated[Principal, requires("organization:admin")]
Id = Annotated[int, Path(ge=1, le=MAX_ID), raises(UserNotFound)]


@router.post("", status_code=201, responses={201: TAGGED})
@raises(EmailTaken, ScopeNotHeld, UnknownRole)
async def create(
    body: UserCreate,
    who: Administrator,
    users: Users,
    answer: Annotated[Once, Depends(once)],
    response: Response,
    organization: AnotherOrganization = None,
) -> UserRead:
    """Nobody gives scopes they do not hold themselves."""
    return await answer.keep(tagged(response, await users.create(who, organization, body)))


@router.get("")
async def page(
    who: Administrator,
    users: Users,
    request: Request,
    response: Response,
    organization: AnotherOrganization = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[UserRead]:
    """The organization's people, oldest first."""
    found = await users.page(who, organization, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{user_id}")
async def get(
    user_id: Id, who: Administrator, users: Users, response: Response, organization: AnotherOrganization = None
) -> UserRead:
    return tagged(response, await users.get(who, organization, user_id))


@router.patch("/{user_id}")
@raises(ScopeNotHeld, UnknownRole, LastAdministrator)
async def edit(
    user_id: Id,
    body: UserEdit,
    who: Administrator,
    users: Users,
    expected: IfMatch,
    response: Response,
    organization: AnotherOrganization = None,
) -> UserRead:
    """A new password or `active: false` ends all sign-ins within 5 s; fewer scopes end the tokens that had more."""
    return tagged(response, await users.edit(who, organization, user_id, body, expected))


@router.delete("/{user_id}", status_code=204)
@raises(ScopeNotHeld, LastAdministrator)
async def remove(
    user_id: Id, who: Administrator, users: Users, expected: IfMatch, organization: AnotherOrganization = None
) -> None:
    """Removes the person with all sign-ins and keys; the audit log keeps what they did."""
    await users.remove(who, organization, user_id, expected)
