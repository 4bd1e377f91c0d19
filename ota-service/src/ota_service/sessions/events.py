"""From a session's row to the event about it, the commands to its device, and its HTTP shapes; pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid5

from ota_service.sessions.models import Session, UpdateSession, UpdateSessionPart
from ota_service.sessions.schemas import Offer, SessionRead
from ota_service.sessions.states import WAITING, SessionState
from shared.contracts import updates
from shared.contracts.updates import UpdateSessionSnapshot, UpdateSessionState
from shared.outbox.commands import Command

E = TypeVar("E", bound=UpdateSessionState)

_KINDS: dict[SessionState, type[UpdateSessionState]] = {
    SessionState.HELD: updates.UpdateSessionHeld,
    SessionState.INITIATED: updates.UpdateSessionInitiated,
    SessionState.ACKNOWLEDGED: updates.UpdateSessionAcknowledged,
    SessionState.DOWNLOADING: updates.UpdateSessionDownloading,
    SessionState.FLASHED: updates.UpdateSessionFlashed,
    SessionState.CANCELLING: updates.UpdateSessionCancelling,
    SessionState.COMPLETED: updates.UpdateSessionCompleted,
    SessionState.FAILED: updates.UpdateSessionFailed,
    SessionState.CANCELLED: updates.UpdateSessionCancelled,
    SessionState.TIMED_OUT: updates.UpdateSessionTimedOut,
}

_COMMANDS = {
    SessionState.HELD: "update_held",
    SessionState.INITIATED: "update_available",
    SessionState.CANCELLING: "update_cancelled",
    SessionState.CANCELLED: "update_cancelled",
}
ANNOUNCED = frozenset(_COMMANDS)
"""States of which a command tells the device, which is taken back when the session goes on."""

_READ = SessionRead.model_fields.keys() - {"session_id"}


def state_event(session: Session, *, before: SessionState | None) -> UpdateSessionState:
    """The event that a session which was `before` has become what it is."""
    state = SessionState(session.state)
    progressed = state == before == SessionState.DOWNLOADING
    return _event(updates.UpdateSessionProgressed if progressed else _KINDS[state], session)


def snapshot(session: UpdateSession) -> UpdateSessionSnapshot:
    """That the session is what it is, for copies that lost it."""
    return _event(UpdateSessionSnapshot, session)


def _event(kind: type[E], session: Session) -> E:
    return kind(
        organization_id=session.organization_id,
        version=session.version,
        session_id=str(session.id),
        device_uid=session.device_uid,
        firmware_id=session.firmware_id,
        firmware_name=session.firmware_name,
        firmware_version=session.firmware_version,
        previous_version=session.previous_version,
        state=session.state,
        counter=session.counter,
        progress=session.progress,
        error=session.error,
        deadline=session.deadline,
        action_id=session.action_id,
        batch_id=session.batch_id,
        release=session.release,
        wave=session.wave,
        opened_at=session.opened_at,
        updated_at=session.updated_at,
    )


def command_id(session_id: UUID, state: SessionState, version: int) -> UUID:
    """Of the command that tells a device of its session in that version; one that is waiting is not added again."""
    return session_id if state == SessionState.INITIATED else uuid5(session_id, f"{state}/{version}")


def command_about(session: Session, *, until: datetime) -> Command | None:
    """What a session wants of its device: consent, to begin, or to stop. None when the device knows by itself.

    That it has ended is of use `until` the device can be at it no more.
    """
    state = SessionState(session.state)
    kind = _COMMANDS.get(state)
    if kind is None:
        return None
    params = {"session_id": str(session.id)}
    if state in WAITING:
        params |= {"firmware_name": session.firmware_name, "firmware_version": session.firmware_version}
    id_ = command_id(session.id, state, session.version)
    return Command(session.device_uid, id_, kind, params, session.deadline or until)


def read(session: Session) -> SessionRead:
    return SessionRead.model_validate({"session_id": session.id, **{name: getattr(session, name) for name in _READ}})


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
