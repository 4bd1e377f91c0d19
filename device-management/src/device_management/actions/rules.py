"""Policy about actions, pure: what an answer makes of an action, what is tried again, and what a device shows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from device_management.actions.schemas import Retry
from device_management.actions.states import AttemptState
from device_management.devices.states import Status
from shared.contracts.actions import UPDATES
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
