"""Updates over REST, for people."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from ota_service.firmware.errors import FirmwareNotApproved, FirmwareNotFound, FirmwareWithdrawn
from ota_service.fleet.errors import DeviceNotFound
from ota_service.manifests.errors import FirmwareNamedTwice, FloorUnknown
from ota_service.sessions.errors import DeviceNotUpdatable, SessionNotFound, SessionOpen, WrongTransition
from ota_service.sessions.schemas import Cancellation, SessionDetail, SessionRead, UpdateCreate
from ota_service.sessions.service import SessionService
from ota_service.sessions.states import SessionState
from shared.contracts.routes import DEVICE_UID
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/updates", tags=["updates"])

Sessions = Annotated[SessionService, use(SessionService)]
Reader = Annotated[Principal, requires("updates:read")]
Writer = Annotated[Principal, requires("updates:write")]
SessionId = Annotated[UUID, raises(SessionNotFound)]
OfDevice = Annotated[str | None, Query(pattern=rf"^{DEVICE_UID.pattern}$")]


@router.post("", status_code=202)
@raises(
    DeviceNotFound,
    FirmwareNotFound,
    FirmwareNotApproved,
    FirmwareWithdrawn,
    FirmwareNamedTwice,
    FloorUnknown,
    DeviceNotUpdatable,
    SessionOpen,
)
async def start(
    body: UpdateCreate, who: Writer, sessions: Sessions, answer: Annotated[Once, Depends(once)]
) -> SessionRead:
    """Updates one device with one approved firmware; a device has one open session at a time."""
    return await answer.keep(await sessions.open(who.organization_id, who.subject, body))


@router.get("")
async def page(
    who: Reader,
    sessions: Sessions,
    request: Request,
    response: Response,
    device_uid: OfDevice = None,
    state: SessionState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SessionRead]:
    """The organization's sessions, the newest first."""
    found = await sessions.page(who.organization_id, device_uid=device_uid, state=state, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{session_id}")
async def get(session_id: SessionId, who: Reader, sessions: Sessions) -> SessionDetail:
    """One session, with the history of what was reported."""
    return await sessions.get(who.organization_id, session_id)


@router.post("/{session_id}/cancel")
@raises(WrongTransition)
async def cancel(
    session_id: SessionId, who: Writer, sessions: Sessions, body: Cancellation | None = None
) -> SessionRead:
    """Ends an open session, at once unless its device has begun; cancelling again changes nothing."""
    force = body is not None and body.force
    return await sessions.cancel(who.organization_id, session_id, who.subject, force=force)


@router.post("/{session_id}/confirm")
@raises(WrongTransition)
async def confirm(session_id: SessionId, who: Writer, sessions: Sessions) -> SessionRead:
    """Consent to a held session; confirming again changes nothing."""
    return await sessions.confirm(who.organization_id, session_id, by=f"person {who.subject}")


@router.post("/{session_id}/deny")
@raises(WrongTransition)
async def deny(session_id: SessionId, who: Writer, sessions: Sessions) -> SessionRead:
    """The end of a held session; denying again changes nothing."""
    return await sessions.deny(who.organization_id, session_id, by=f"person {who.subject}")
