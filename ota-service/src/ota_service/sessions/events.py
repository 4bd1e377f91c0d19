"""From a session's row to the event about it, the commands to its device, and its HTTP shapes; pure."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from ota_service.sessions.models import UpdateSession, UpdateSessionPart
from ota_service.sessions.schemas import Offer, SessionRead
from ota_service.sessions.states import SessionState
from shared.contracts import updates
from shared.contracts.updates import UpdateSessionState
from shared.outbox.commands import Command

_KINDS: dict[SessionState, type[UpdateSessionState]] = {
    SessionState.INITIATED: updates.UpdateSessionInitiated,
    SessionState.ACKNOWLEDGED: updates.UpdateSessionAcknowledged,
    SessionState.DOWNLOADING: updates.UpdateSessionDownloading,
    SessionState.FLASHED: updates.UpdateSessionFlashed,
    SessionState.COMPLETED: updates.UpdateSessionCompleted,
    SessionState.FAILED: updates.UpdateSessionFailed,
    SessionState.CANCELLED: updates.UpdateSessionCancelled,
    SessionState.TIMED_OUT: updates.UpdateSessionTimedOut,
}


def state_event(session: UpdateSession, *, before: SessionState | None) -> UpdateSessionState:
    """The event that a session which was `before` has become what it is."""
    state = SessionState(session.state)
    kind = updates.UpdateSessionProgressed if state == before else _KINDS[state]
    return kind(
        organization_id=session.organization_id,
        version=session.version,
        session_id=str(session.id),
        device_uid=session.device_uid,
        firmware_id=session.firmware_id,
        firmware_name=session.firmware_name,
        firmware_version=session.firmware_version,
        previous_version=session.previous_version,
        state=state,
        counter=session.counter,
        progress=session.progress,
        error=session.error,
        deadline=session.deadline,
        action_id=session.action_id,
        opened_at=session.opened_at,
        updated_at=session.updated_at,
    )


def update_available(session: UpdateSession) -> Command:
    """The announcement; its id is the session's, so that one which is waiting is not added again."""
    assert session.deadline is not None  # noqa: S101 - an open session has one, the database sees to it
    return Command(
        session.device_uid,
        session.id,
        "update_available",
        {
            "session_id": str(session.id),
            "firmware_name": session.firmware_name,
            "firmware_version": session.firmware_version,
        },
        session.deadline,
    )


def update_cancelled(session: UpdateSession, *, id: UUID, deadline: datetime) -> Command:  # noqa: A002
    """Nothing is to be done for the session any more. It is of use as long as the device might still be at it."""
    return Command(session.device_uid, id, "update_cancelled", {"session_id": str(session.id)}, deadline)


def read(session: UpdateSession) -> SessionRead:
    return SessionRead.model_validate({**session.model_dump(), "session_id": session.id})


def offer(session: UpdateSession, parts: Iterable[UpdateSessionPart]) -> Offer:
    assert session.deadline is not None  # noqa: S101 - an open session has one, the database sees to it
    path = f"/api/v2/device/{session.device_uid}/updates/{session.id}"
    return Offer(
        session_id=session.id,
        state=SessionState(session.state),
        manifest=session.manifest,
        signature=session.signature,
        key_id=session.key_id,
        download=f"{path}/file",
        downloads=[f"{path}/files/{part.position}" for part in parts],
        deadline=session.deadline,
    )
