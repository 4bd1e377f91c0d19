"""Policy about actions, pure: what an answer makes of an action, what is tried again, and what a device shows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from device_management.actions.models import Added, PresentAction, PresentAttempt
from device_management.actions.schemas import ActionOrder, Retry
from device_management.actions.states import ActionState, AttemptState
from device_management.devices.states import Status
from shared.contracts.actions import UPDATES
from shared.contracts.commands import DeviceReply
from shared.contracts.updates import UpdateRefused, UpdateSessionState

USUAL_RETRY: Mapping[str, Retry] = {
    "busy": Retry(max_attempts=5, backoff_s=10),
    "transient": Retry(max_attempts=3, backoff_s=30),
}
ANY = "any"
UNNAMED = "failed"
"""The class of a failure that the device did not name."""

_LONGEST_WAIT_S = 3600.0
_ORDER = {AttemptState.SENT: 0, AttemptState.RUNNING: 1}


def asked(
    organization_id: int,
    device_uid: str,
    order: ActionOrder,
    added: Added,
    *,
    retry: Mapping[str, Any],
    by: str,
    bulk_id: int | None,
) -> PresentAction:
    """An action as it is when it has been added."""
    has_begun = added.command_id is not None
    return PresentAction(
        id=added.id,
        organization_id=organization_id,
        device_id=added.device_id,
        device_uid=device_uid,
        type=order.type,
        params=order.params,
        priority=order.priority,
        retry=dict(retry),
        state=ActionState.RUNNING if has_begun else ActionState.PENDING,
        progress=None,
        result=None,
        error=None,
        attempt=1 if has_begun else 0,
        command_id=added.command_id,
        next_attempt_at=None,
        version=2 if has_begun else 1,
        bulk_id=bulk_id,
        requested_by=by,
        requested_at=added.at,
        started_at=added.at if has_begun else None,
        completed_at=None,
        deadline=added.deadline,
        updated_at=added.at,
    )


def wait_before_retry(retry: Mapping[str, Retry], error_class: str | None, attempts: int) -> timedelta | None:
    """How long to wait before the next attempt after so many have been made; None when there is none."""
    policy = retry.get(error_class or UNNAMED) or retry.get(ANY)
    if policy is None or attempts >= policy.max_attempts:
        return None
    return timedelta(seconds=min(policy.backoff_s * 2.0 ** (attempts - 1), _LONGEST_WAIT_S))


def is_news(state: AttemptState, progress: int | None, said: AttemptState, said_progress: int | None) -> bool:
    """Whether an answer says more than is known: the first end stands, and progress does not go back."""
    if state not in _ORDER:
        return False
    if said is not AttemptState.RUNNING:
        return True
    if state is AttemptState.SENT:
        return True
    return said_progress is not None and (progress is None or said_progress > progress)


def answered(
    attempt: PresentAttempt, action: PresentAction, reply: DeviceReply, *, now: datetime
) -> tuple[PresentAttempt, PresentAction] | None:
    """What one answer makes of its attempt and, while it runs, of the action; None when it says nothing new.

    What is news is of the present attempt: another one follows only when the one before has ended.
    """
    said, progress = AttemptState(reply.state), None if reply.progress is None else int(reply.progress)
    if not is_news(AttemptState(attempt.state), attempt.progress, said, progress):
        return None
    ended = said is not AttemptState.RUNNING
    failed = said is AttemptState.FAILED
    attempt = replace(
        attempt,
        state=said,
        progress=attempt.progress if progress is None else progress,
        ended_at=now if ended else attempt.ended_at,
        error=reply.error if failed else attempt.error,
        error_class=reply.error_class if failed else attempt.error_class,
    )
    if action.state != ActionState.RUNNING:
        return attempt, action
    return attempt, replace(action, version=action.version + 1, updated_at=now, **_made_of(action, attempt, reply, now))


def _made_of(action: PresentAction, attempt: PresentAttempt, reply: DeviceReply, now: datetime) -> dict[str, Any]:
    """The members of a running action that the end or the progress of its attempt changes."""
    if attempt.state == AttemptState.RUNNING:
        return {"progress": attempt.progress}
    if attempt.state == AttemptState.COMPLETED:
        return {
            "state": ActionState.COMPLETED,
            "progress": 100,
            "result": reply.result,
            "error": None,
            "completed_at": now,
        }
    error = reply.error or "the device gave no reason"
    wait = wait_before_retry(_policies(action.retry), reply.error_class, action.attempt)
    if wait is not None:
        return {"error": error, "next_attempt_at": now + wait}
    return {"state": ActionState.FAILED, "result": reply.result, "error": error, "completed_at": now}


def _policies(retry: Mapping[str, object]) -> dict[str, Retry]:
    return {error_class: Retry.model_validate(policy) for error_class, policy in retry.items()}


def shown_status(action_type: str) -> Status:
    """What a device shows while it runs an action of this type."""
    return Status.UPDATING if action_type in UPDATES else Status.BUSY


_PROGRESS = {"acknowledged": 5, "flashed": 90}
_DOWNLOADED = 85


def heard_of(session: UpdateSessionState) -> dict[str, Any] | None:
    """What a session says of the update action that it carries out, as a reply of the device would; None for nothing.

    A session that ends in any other way than completed has failed the action.
    """
    match session.state:
        case "completed":
            result = {"session_id": session.session_id, "firmware_version": session.firmware_version}
            return {"state": "completed", "result": result}
        case "failed" | "cancelled" | "timed_out":
            reason = f": {session.error}" if session.error else ""
            return {"state": "failed", "error": f"the update {session.state.replace('_', ' ')}{reason}"}
        case "downloading":
            part = (session.progress or 0) * (_DOWNLOADED - _PROGRESS["acknowledged"]) // 100
            return {"state": "running", "progress": _PROGRESS["acknowledged"] + part}
        case state if state in _PROGRESS:
            return {"state": "running", "progress": _PROGRESS[state]}
        case _:
            return None


def refused(refusal: UpdateRefused) -> dict[str, Any]:
    """The same for an action that gets no session."""
    return {"state": "failed", "error": f"{refusal.reason}: {refusal.detail}"}
