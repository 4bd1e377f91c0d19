"""Updates over REST, for devices and for gateways that speak for them: what waits, the image, what became of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from ota_service.firmware.schemas import Wanted
from ota_service.fleet.schemas import DeviceCaller
from ota_service.fleet.service import FleetService
from ota_service.sessions.schemas import DeviceReport, Offer, SessionRead
from ota_service.sessions.service import SessionService
from ota_service.sessions.states import SessionState
from shared.http.pagination import Page
from shared.http.principal import Principal, requires_device
from shared.http.scope import use

router = APIRouter(prefix="/device/{uid}/updates", tags=["device"])


async def admitted(
    uid: str,
    who: Annotated[Principal, requires_device(gateways=True)],
    fleet: Annotated[FleetService, use(FleetService)],
) -> DeviceCaller:
    """The device of the path, if its token still counts, or if it is of the gateway's organization."""
    return await fleet.caller(who, uid)


Device = Annotated[DeviceCaller, Depends(admitted)]
Sessions = Annotated[SessionService, use(SessionService)]
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
@router.get("/{session_id}/file", response_class=StreamingResponse)
async def file(session_id: UUID, who: Device, sessions: Sessions, request: Request) -> StreamingResponse:
    """The first image of an open session: a range of it, or all; its ETag is its SHA-256."""
    return await part_file(session_id, 1, who, sessions, request)


@router.head("/{session_id}/files/{position}", include_in_schema=False)
@router.get("/{session_id}/files/{position}", response_class=StreamingResponse)
async def part_file(
    session_id: UUID, position: int, who: Device, sessions: Sessions, request: Request
) -> StreamingResponse:
    """The image of one part, which are counted from 1 on."""
    wanted = Wanted.of(request.method, request.headers)
    found = await sessions.download(who.organization_id, who.uid, session_id, wanted, position=position)
    return StreamingResponse(found.chunks, found.status, found.headers)


@router.post("/{session_id}/ack")
async def acknowledge(session_id: UUID, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """The device has taken the update up."""
    return await _report(sessions, who, session_id, SessionState.ACKNOWLEDGED, said)


@router.post("/{session_id}/downloading")
async def downloading(session_id: UUID, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """It downloads; said again with a greater `progress`, it has come further."""
    return await _report(sessions, who, session_id, SessionState.DOWNLOADING, said)


@router.post("/{session_id}/flashed")
async def flashed(session_id: UUID, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """The image is installed."""
    return await _report(sessions, who, session_id, SessionState.FLASHED, said)


@router.post("/{session_id}/complete")
async def complete(session_id: UUID, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """The device runs the new version."""
    return await _report(sessions, who, session_id, SessionState.COMPLETED, said)


@router.post("/{session_id}/fail")
async def fail(session_id: UUID, who: Device, sessions: Sessions, said: Report = None) -> SessionRead:
    """The device gives up; `error` says why."""
    return await _report(sessions, who, session_id, SessionState.FAILED, said)


async def _report(
    sessions: SessionService, who: DeviceCaller, session_id: UUID, target: SessionState, said: Report
) -> SessionRead:
    return await sessions.report(who.organization_id, who.uid, session_id, target, said or DeviceReport(), by=who.by)
