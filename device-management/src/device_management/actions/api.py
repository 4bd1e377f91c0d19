"""Actions over REST."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from device_management.actions.errors import ActionNotFound, BulkActionNotFound, TooManyDevices, WrongTransition
from device_management.actions.schemas import (
    ActionCreate,
    ActionDetail,
    ActionInfoRead,
    ActionRead,
    BulkActionCreate,
    BulkActionRead,
    DeviceActionCreate,
    Uid,
)
from device_management.actions.service import ActionService
from device_management.actions.states import ActionState
from device_management.audit.schemas import Actor
from device_management.devices.errors import DeviceIsRetired, DeviceNotFound
from device_management.devices.schemas import DeviceReference
from device_management.groups.errors import GroupNotFound
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.routing import FixedWord
from shared.http.scope import use
from shared.rql.errors import BadQuery, QueryTooSlow

bulk_router = APIRouter(prefix="/actions/bulk", tags=["actions"], route_class=FixedWord)
router = APIRouter(prefix="/actions", tags=["actions"])
device_router = APIRouter(prefix="/devices/{id_or_uid}/actions", tags=["actions"])

Actions = Annotated[ActionService, use(ActionService)]
Reader = Annotated[Principal, requires("devices:read")]
Writer = Annotated[Principal, requires("devices:write")]
ActionId = Annotated[int, Path(ge=1, lt=2**63), raises(ActionNotFound)]
BulkId = Annotated[int, Path(ge=1, lt=2**63), raises(BulkActionNotFound)]
Answer = Annotated[Once, Depends(once)]


@router.post("", status_code=202)
@raises(DeviceNotFound, DeviceIsRetired)
async def request(body: ActionCreate, who: Writer, actions: Actions, answer: Answer) -> ActionRead:
    """Asks a device to do something. It begins when it is its turn, and reaches the device when it is connected."""
    return await answer.keep(await actions.request(who.organization_id, body.device_uid, body, by=Actor.of(who)))


@bulk_router.post("", status_code=202)
@raises(TooManyDevices, GroupNotFound, BadQuery, QueryTooSlow)
async def request_many(body: BulkActionCreate, who: Writer, actions: Actions, answer: Answer) -> BulkActionRead:
    """Asks many devices at once: named one by one, a group, or what a query finds. Each has an outcome of its own."""
    return await answer.keep(await actions.request_many(who.organization_id, body, by=Actor.of(who)))


@bulk_router.get("/{bulk_id}")
async def get_bulk(bulk_id: BulkId, who: Reader, actions: Actions) -> BulkActionRead:
    """How far a call to many devices is. Its actions are listed by `GET /actions?bulk=`."""
    return await actions.get_bulk(who.organization_id, bulk_id)


@router.get("")
async def page(
    who: Reader,
    actions: Actions,
    request: Request,
    response: Response,
    device_uid: Annotated[Uid | None, Query()] = None,
    state: ActionState | None = None,
    bulk: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ActionRead]:
    """The organization's actions, the newest first."""
    found = await actions.page(
        who.organization_id, device_uid=device_uid, state=state, bulk_id=bulk, cursor=cursor, limit=limit
    )
    link_next(request, response, found.next)
    return found


@router.get("/{action_id}")
async def get(action_id: ActionId, who: Reader, actions: Actions) -> ActionDetail:
    """One action with the history of its attempts."""
    return await actions.get(who.organization_id, action_id)


@router.post("/{action_id}/cancel")
@raises(WrongTransition)
async def cancel(action_id: ActionId, who: Writer, actions: Actions) -> ActionRead:
    """Ends an action that has not ended, also one that runs."""
    return await actions.cancel(who.organization_id, action_id, by=Actor.of(who))


@device_router.post("", status_code=202)
@raises(DeviceIsRetired)
async def initiate(
    id_or_uid: DeviceReference, body: DeviceActionCreate, who: Writer, actions: Actions, answer: Answer
) -> ActionInfoRead:
    """Asks this device to do something, answered in short."""
    return await answer.keep(await actions.initiate(who.organization_id, id_or_uid, body, by=Actor.of(who)))


@device_router.get("/{action_id}")
async def status(id_or_uid: DeviceReference, action_id: ActionId, who: Reader, actions: Actions) -> ActionInfoRead:
    """What became of it, in short."""
    return await actions.status(who.organization_id, id_or_uid, action_id)
