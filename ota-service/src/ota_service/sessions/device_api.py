"""Updates over REST, for devices and for gateways that speak for them: what waits, the image, what became of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from ota_service.bandwidth.errors import SiteBusy
from ota_service.firmware.errors import BlobDamaged, BlobStoreAway, RangeNotSatisfiable
from ota_service.firmware.schemas import IMAGE_ANSWERS, Wanted
from ota_service.fleet.errors import DeviceNotFound, DeviceRetired, DeviceTokenRevoked
from ota_service.fleet.schemas import DeviceCaller
from ota_service.fleet.service import FleetService
from ota_service.sessions.errors import PartNotFound, SessionEnded, SessionHeld, SessionNotFound, WrongTransition
from ota_service.sessions.schemas import DeviceReport, Offer, SessionRead
from ota_service.sessions.service import SessionService
from ota_service.sessions.states import SessionState
from shared.http.declared import raises
from shared.http.pagination import Page
from shared.http.principal import Principal, requires_device
from shared.http.scope import use

router = APIRouter(prefix="/device/{uid}/updates", tags=["device"])


@raises(DeviceNotFound, DeviceTokenRevoked, DeviceRetired)
async def admitted(
    uid: str,
    who: Annotated[Principal, requires_device(gateways=True)],
    fleet: Annotated[FleetService, use(FleetService)],
) -> DeviceCaller:
    """The device of the path, if its token still counts, or if it is of the gateway's organization."""
    return await fleet.caller(who, uid)


Device = Annotated[DeviceCaller, Depends(admitted)]
Sessions = Annotated[SessionService, use(SessionService)]
SessionId = Annotated[UUID, raises(SessionNotFound)]
Report = DeviceReport | None


@router.get("")
async def waiting(who: Device, sessions: Sessions) -> Page[Offer]:
    """The device's open session, with its signed manifest; at most one."""
    return Page(items=await sessions.offers(who.organization_id, who.uid))


@router.get("/next", response_model=Offer, responses={204: {"description": "Nothing waits"}})
async def next_offer(who: Device, sessions: Sessions) -> Response | Offer:
    """The same, alone; 204 when there is none."""
    return next(iter(await sessions.offers(who.organization_id, who.uid)), Response(status_code=204))


@router.head("/{session_id}/file", include_in_schema=False)
@router.get("/{session_id}/file", response_class=StreamingResponse, responses=IMAGE_ANSWERS)
@raises(SessionEnded, SessionHeld, RangeNotSatisfiable, BlobDamaged, BlobStoreAway, SiteBusy)
async def file(session_id: SessionId, who: Device, sessions: Sessions, request: Request) -> StreamingResponse:
    """The first image of an open session: a range of it, or all; its ETag is its SHA-256."""
    return await part_file(session_id, 1, who, sessions, request)


@router.head("/{session_id}/files/{position}", include_in_schema=False)
@router.get("/{session_id}/files/{position}", response_class=StreamingResponse, responses=IMAGE_ANSWERS)
@raises(SessionEnded, SessionHeld, PartNotFound, RangeNotSatisfiable, BlobDamaged, BlobStoreAway, SiteBusy)
async def part_file(
    session_id: SessionId, position: int, who: Device, sessions: Sessions, request: Request
) -> StreamingResponse:
    """The image of one part, which are counted from 1 on."""
    wanted = Wanted.of(request.method, request.headers)
    found = await sessions.download(who.organization_id, who.uid, session_id, wanted, position=position)
    return StreamingResponse(found.chunks, found.status, found.headers)


@router.post("/{session_id}/ack")
@raises(WrongTransition)
async def acknowledge(session_id: SessionId, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """The device has taken the update up."""
    return await _report(sessions, who, session_id, SessionState.ACKNOWLEDGED, said)


@router.post("/{session_id}/downloading")
@raises(WrongTransition)
async def downloading(session_id: SessionId, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """It downloads; said again with a greater `progress`, it has come further."""
    return await _report(sessions, who, session_id, SessionState.DOWNLOADING, said)


@router.post("/{session_id}/flashed")
@raises(WrongTransition)
async def flashed(session_id: SessionId, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """The image is installed."""
    return await _report(sessions, who, session_id, SessionState.FLASHED, said)


@router.post("/{session_id}/complete")
@raises(WrongTransition)
async def complete(session_id: SessionId, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """The device runs the new version."""
    return await _report(sessions, who, session_id, SessionState.COMPLETED, said)


@router.post("/{session_id}/fail")
@raises(WrongTransition)
async def fail(session_id: SessionId, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """The device gives up; `error` says why."""
    return await _report(sessions, who, session_id, SessionState.FAILED, said)


@router.post("/{session_id}/cancelled")
@raises(WrongTransition)
async def cancelled(session_id: SessionId, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """The device has stopped, and runs what it ran before."""
    return await _report(sessions, who, session_id, SessionState.CANCELLED, said)


@router.post("/{session_id}/refuse-cancel")
@raises(WrongTransition)
async def refuse_cancel(session_id: SessionId, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """It was to stop and cannot: it goes on where it was."""
    return await sessions.refuse_cancel(who.organization_id, who.uid, session_id, said or DeviceReport(), by=who.by)


@router.post("/{session_id}/confirm")
@raises(WrongTransition)
async def give_consent(session_id: SessionId, who: Device, sessions: Sessions) -> SessionRead:
    """Consent to a held session, given at the device."""
    return await sessions.confirm(who.organization_id, session_id, by=who.by, uid=who.uid)


@router.post("/{session_id}/deny")
@raises(WrongTransition)
async def deny_consent(session_id: SessionId, who: Device, sessions: Sessions) -> SessionRead:
    """The end of a held session, at the device's wish."""
    return await sessions.deny(who.organization_id, session_id, by=who.by, uid=who.uid)


async def _report(
    sessions: SessionService, who: DeviceCaller, session_id: SessionId, target: SessionState, said: Report
) -> SessionRead:
    return await sessions.report(who.organization_id, who.uid, session_id, target, said or DeviceReport(), by=who.by)
