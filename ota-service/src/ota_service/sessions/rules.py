"""Policy of update sessions, pure: how long a state may last, which progress is worth keeping, what a session is made
of and what it leaves on its device.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ota_service.installations.schemas import Brought
from ota_service.manifests.schemas import Bundle, Draft, Obstacle
from ota_service.sessions.errors import WrongTransition
from ota_service.sessions.models import NewPart, NewSession, Session, UpdateSessionPart
from ota_service.sessions.schemas import Origin, Terms
from ota_service.sessions.states import BEGUN, OPEN, WAITING, SessionState

PROGRESS_STEP = 10
"""Percent. Progress is kept in steps: a download is a dozen changes at the most, however often it is reported."""

DEVICE_UNKNOWN = Obstacle("device_not_found", "there is no such device, or the copy of the fleet has none of it yet")
UPDATE_OPEN = Obstacle("update_open", "the device is being updated already")


@dataclass(frozen=True)
class Patience:
    """How long a session may stay in each open state before it ends by itself. `initiated` includes being held."""

    initiated: timedelta = timedelta(days=7)
    acknowledged: timedelta = timedelta(hours=1)
    downloading: timedelta = timedelta(hours=6)
    flashed: timedelta = timedelta(hours=1)
    cancelling: timedelta = timedelta(hours=1)

    def in_state(self, state: SessionState, *, soak_s: int | None = None) -> timedelta | None:
        """None for a final state, which lasts for ever. A soak comes on top of the time to come back."""
        match state:
            case SessionState.HELD:
                return self.initiated
            case SessionState.FLASHED:
                return self.flashed + timedelta(seconds=soak_s or 0)
            case _:
                return getattr(self, state) if state in OPEN else None

    def after_initiated(self) -> timedelta:
        """How long a session lasts at the most once its device has acknowledged it."""
        return self.acknowledged + self.downloading + self.flashed


def is_step(before: int | None, now: int | None) -> bool:
    """Whether a download that was at `before` percent has come far enough to be worth keeping."""
    if now is None:
        return False
    return before is None or now >= before + PROGRESS_STEP or (now == 100 and before < 100)


def progress_after(target: SessionState, *, known: int | None, said: int | None) -> int | None:
    """The progress of a session that becomes `target`: what breaks off keeps what was known."""
    if target == SessionState.DOWNLOADING:
        return known if said is None else said
    return 100 if target in {SessionState.FLASHED, SessionState.COMPLETED} else known


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a session; `confirms`: the device itself says that it runs the new version, and soaks from now."""

    before: SessionState
    state: SessionState
    progress: int | None
    confirms: bool


def walk(
    session: Session,
    targets: Sequence[SessionState],
    *,
    said: int | None,
    may: Callable[[SessionState, SessionState], bool],
) -> list[Step]:
    """The changes through which a session comes to each of these states in turn, those that change nothing left out.

    `said` is the progress that was reported. Raises WrongTransition for the first that `may` does not allow.
    """
    at, progress, confirmed = SessionState(session.state), session.progress, session.confirmed_at is not None
    steps: list[Step] = []
    for target in targets:
        if at != target and not may(at, target):
            raise WrongTransition(at, target)
        confirms = target == SessionState.COMPLETED != at and session.soak_s is not None
        state = SessionState.FLASHED if confirms else target
        is_news = (confirms and not confirmed) or (state == SessionState.DOWNLOADING and is_step(progress, said))
        if at == state and not is_news:
            continue
        progress = progress_after(state, known=progress, said=said)
        steps.append(Step(at, state, progress, confirms))
        at, confirmed = state, confirmed or confirms
    return steps


def passed(session: NewSession, steps: Sequence[Step], patience: Patience) -> list[NewSession]:
    """What the session was after each of the steps that have made it what it is, itself the last."""
    last = len(steps) - 1
    return [
        session
        if place == last
        else replace(
            session,
            state=step.state,
            progress=step.progress,
            error=None,
            version=session.version - last + place,
            deadline=session.updated_at + (patience.in_state(step.state, soak_s=session.soak_s) or timedelta()),
            confirmed_at=None,
        )
        for place, step in enumerate(steps)
    ]


def opened(
    draft: Draft,
    bundle: Bundle,
    terms: Terms,
    *,
    by: str,
    lasting: timedelta,
    action_id: int | None,
    origin: Origin | None,
) -> NewSession:
    """The session of a draft; it may stay `lasting` until the device has begun."""
    first = bundle.firmware[0]
    assert first.id is not None  # noqa: S101 - it comes from the database
    return NewSession(
        id=draft.session_id,
        counter=draft.counter,
        organization_id=draft.device.organization_id,
        device_uid=draft.device.device_uid,
        firmware_id=first.id,
        firmware_name=first.name,
        firmware_version=first.version,
        previous_version=draft.device.firmware_version,
        state=SessionState.HELD if terms.consent else SessionState.INITIATED,
        soak_s=terms.soak_s,
        deadline=draft.issued_at + lasting,
        manifest=draft.manifest,
        signature=draft.signature,
        key_id=draft.key_id,
        action_id=action_id,
        batch_id=None if origin is None else origin.batch_id,
        awaited=origin is not None,
        release=None if origin is None else origin.release,
        wave=None if origin is None else origin.wave,
        opened_by=by,
        opened_at=draft.issued_at,
        updated_at=draft.issued_at,
    )


def parts(draft: Draft, bundle: Bundle) -> list[NewPart]:
    """What the session of a draft installs."""
    return [
        NewPart(
            session_id=draft.session_id,
            position=position,
            firmware_id=one.id or 0,
            name=one.name,
            version=one.version,
            release_counter=one.release_counter,
            previous_firmware_id=draft.previous.get(one.name),
        )
        for position, one in enumerate(bundle.firmware, start=1)
    ]


def brought(session: Session, parts: Iterable[UpdateSessionPart]) -> list[Brought]:
    """What a session that is flashed or completed has put on its device."""
    return [
        Brought(
            organization_id=session.organization_id,
            device_uid=session.device_uid,
            firmware_name=part.name,
            firmware_id=part.firmware_id,
            version=part.version,
            release_counter=part.release_counter,
            session_counter=session.counter,
            confirmed=session.state == SessionState.COMPLETED,
        )
        for part in parts
    ]


def when_cancelled(state: SessionState, *, force: bool) -> SessionState:
    """What becomes of a session that somebody cancels: a device that has begun is asked to stop first."""
    if force or state in WAITING:
        return SessionState.CANCELLED
    return SessionState.CANCELLING if state in BEGUN | {SessionState.CANCELLING} else SessionState.CANCELLED


def when_refused(state: SessionState, resumes: str | None) -> SessionState:
    """What becomes of one whose device does not stop: it goes on where it was. Others stay as they are."""
    if state != SessionState.CANCELLING and state in OPEN:
        return state
    return SessionState(resumes or SessionState.ACKNOWLEDGED)


def when_confirmed(state: SessionState) -> SessionState:
    """What becomes of one that got its consent; one that has it stays as it is."""
    return state if state in OPEN - {SessionState.HELD} else SessionState.INITIATED
