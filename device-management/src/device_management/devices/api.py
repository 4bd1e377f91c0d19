"""Devices over REST."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from device_management.audit.schemas import Actor, AuditEntryRead
from device_management.devices.errors import (
    DeviceIsRetired,
    NoSuchGroup,
    UnacceptableAttributes,
    WrongTransition,
)
from device_management.devices.schemas import (
    DeviceEdit,
    DeviceFilter,
    DeviceInfoRead,
    DeviceRead,
    DeviceReference,
    DeviceStatusRead,
    StatusSet,
)
from device_management.devices.service import DeviceService
from device_management.devices.states import Lifecycle, Status
from shared.http.declared import raises
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.preconditions import Expected, IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use
from shared.rql.errors import BadQuery, QueryTooSlow

router = APIRouter(prefix="/devices", tags=["devices"])

Devices = Annotated[DeviceService, use(DeviceService)]
Reader = Annotated[Principal, requires("devices:read")]
Writer = Annotated[Principal, requires("devices:write")]

_NO_NUL = r"^[^\x00]*$"


@raises(BadQuery, QueryTooSlow, NoSuchGroup)
async def _filter(
    lifecycle: Lifecycle | None = None,
    status: Status | None = None,
    device_type: Annotated[str | None, Query(max_length=64, pattern=_NO_NUL)] = None,
    labelled: Annotated[str | None, Query(alias="tag", max_length=64, pattern=_NO_NUL)] = None,
    rql: Annotated[str | None, Query(description='Eclipse Ditto\'s RQL, e.g. eq(attributes/type,"pump")')] = None,
    group: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> DeviceFilter:
    return DeviceFilter(
        lifecycle=lifecycle, status=status, device_type=device_type, tag=labelled, rql=rql, group_id=group
    )


@router.get("", response_model=Page[DeviceRead])
@router.get("/", response_model=Page[DeviceRead], include_in_schema=False)
async def page(
    who: Reader,
    devices: Devices,
    only: Annotated[DeviceFilter, Depends(_filter)],
    request: Request,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The organization's devices, oldest first; `status` filters by what is shown."""
    found = await devices.listing(who.organization_id, only=only, cursor=cursor, limit=limit)
    response = Response(found.body, media_type="application/json")
    link_next(request, response, found.next)
    return response


@router.get("/in_stock", response_model=Page[DeviceRead])
async def in_stock(
    who: Reader, devices: Devices, request: Request, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The devices that wait to be deployed."""
    only = DeviceFilter(lifecycle=Lifecycle.IN_STOCK)
    return await page(who, devices, only, request, limit, cursor)


@router.get("/deployed", response_model=Page[DeviceRead])
async def deployed(
    who: Reader, devices: Devices, request: Request, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The devices in the field."""
    only = DeviceFilter(lifecycle=Lifecycle.DEPLOYED)
    return await page(who, devices, only, request, limit, cursor)


@router.get("/{id_or_uid}", response_model=DeviceRead)
async def get(id_or_uid: DeviceReference, who: Reader, devices: Devices) -> Response:
    """One device, by id or uid; at most 5 s old."""
    answer = await devices.get(who.organization_id, id_or_uid)
    return Response(answer.body, headers={"ETag": answer.etag}, media_type="application/json")


@router.get("/{id_or_uid}/info")
async def info(id_or_uid: DeviceReference, who: Reader, devices: Devices) -> DeviceInfoRead:
    """One device in short."""
    return await devices.info(who.organization_id, id_or_uid)


@router.get("/{id_or_uid}/audit")
async def audit(
    id_or_uid: DeviceReference,
    who: Reader,
    devices: Devices,
    request: Request,
    response: Response,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditEntryRead]:
    """Who changed the device, when and how; newest first."""
    found = await devices.history(who.organization_id, id_or_uid, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.patch("/{id_or_uid}")
@raises(DeviceIsRetired, UnacceptableAttributes)
async def patch(
    id_or_uid: DeviceReference, body: DeviceEdit, who: Writer, devices: Devices, expected: IfMatch, response: Response
) -> DeviceRead:
    """Edits what the body names, as a JSON merge patch (RFC 7396): attributes are merged, null removes."""
    changed = await devices.edit(who.organization_id, id_or_uid, body, merge=True, by=Actor.of(who), expected=expected)
    return tagged(response, changed)


@router.put("/{id_or_uid}")
@raises(DeviceIsRetired, UnacceptableAttributes)
async def put(
    id_or_uid: DeviceReference, body: DeviceEdit, who: Writer, devices: Devices, expected: IfMatch, response: Response
) -> DeviceRead:
    """Sets what the body names, attributes as a whole; what it leaves out stays."""
    changed = await devices.edit(who.organization_id, id_or_uid, body, merge=False, by=Actor.of(who), expected=expected)
    return tagged(response, changed)


@router.delete("/{id_or_uid}", status_code=204)
@raises(WrongTransition)
async def delete(
    id_or_uid: DeviceReference, who: Writer, devices: Devices, expected: IfMatch, *, purge: bool = False
) -> None:
    """Retires the device: its tokens are revoked and its connections end. A platform administrator may purge it."""
    if purge:
        who.require("platform:admin")
        await devices.purge(who.organization_id, id_or_uid, by=Actor.of(who), expected=expected)
    else:
        await devices.move(who.organization_id, id_or_uid, Lifecycle.RETIRED, by=Actor.of(who), expected=expected)


@router.put("/{id_or_uid}/status")
@raises(WrongTransition, DeviceIsRetired)
async def set_status(
    id_or_uid: DeviceReference, body: StatusSet, who: Writer, devices: Devices, expected: IfMatch, response: Response
) -> DeviceStatusRead:
    """Moves the device in its life, when the word is one of a lifecycle, else sets its operational status."""
    changed = await devices.set_status(who.organization_id, id_or_uid, body.status, by=Actor.of(who), expected=expected)
    return tagged(response, changed)


@router.put("/{id_or_uid}/deploy")
@raises(WrongTransition)
async def deploy(
    id_or_uid: DeviceReference, who: Writer, devices: Devices, expected: IfMatch, response: Response
) -> DeviceRead:
    """Into the field, from stock or maintenance."""
    return await _moved(id_or_uid, Lifecycle.DEPLOYED, who, devices, expected, response)


@router.put("/{id_or_uid}/recall")
@raises(WrongTransition)
async def recall(
    id_or_uid: DeviceReference, who: Writer, devices: Devices, expected: IfMatch, response: Response
) -> DeviceRead:
    """Back into stock."""
    return await _moved(id_or_uid, Lifecycle.IN_STOCK, who, devices, expected, response)


@router.put("/{id_or_uid}/maintenance")
@raises(WrongTransition)
async def maintenance(
    id_or_uid: DeviceReference, who: Writer, devices: Devices, expected: IfMatch, response: Response
) -> DeviceRead:
    """Under repair: it shows `maintenance` until it is deployed or recalled."""
    return await _moved(id_or_uid, Lifecycle.MAINTENANCE, who, devices, expected, response)


async def _moved(
    reference: str, to: Lifecycle, who: Principal, devices: DeviceService, expected: Expected, response: Response
) -> DeviceRead:
    return tagged(response, await devices.move(who.organization_id, reference, to, by=Actor.of(who), expected=expected))
