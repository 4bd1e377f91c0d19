"""From an action's row to the event about it and the commands to its device, pure.

The data of events are plain values of known shape and not made into models first: there are thousands at once.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from device_management.actions.models import Action, PresentAction
from device_management.actions.schemas import BulkActionRead
from device_management.actions.states import ActionState
from device_management.audit.schemas import Change
from shared.contracts import actions as contracts
from shared.outbox.commands import Command

_encode = msgspec.json.Encoder().encode


class _Own(msgspec.Struct):
    """What tells the actions of one call apart."""

    action_id: int
    device_id: int
    device_uid: str


OF_STATE: Mapping[ActionState, type[contracts.ActionState]] = {
    ActionState.PENDING: contracts.ActionRequested,
    ActionState.RUNNING: contracts.ActionStarted,
    ActionState.COMPLETED: contracts.ActionCompleted,
    ActionState.FAILED: contracts.ActionFailed,
    ActionState.CANCELLED: contracts.ActionCancelled,
    ActionState.TIMED_OUT: contracts.ActionTimedOut,
}


def told(action: Action | PresentAction) -> tuple[str, dict[str, Any]]:
    """The subject of an event about the action, and its data: the whole public state."""
    return f"action/{action.id}", {
        "organization_id": action.organization_id,
        "version": action.version,
        "action_id": action.id,
        "device_id": action.device_id,
        "device_uid": action.device_uid,
        "action_type": action.type,
        "params": action.params,
        "priority": action.priority,
        "state": action.state,
        "progress": action.progress,
        "result": action.result,
        "error": action.error,
        "attempt": action.attempt,
        "bulk_id": action.bulk_id,
        "requested_by": action.requested_by,
        "requested_at": action.requested_at,
        "started_at": action.started_at,
        "completed_at": action.completed_at,
        "deadline": action.deadline,
        "updated_at": action.updated_at,
    }


def requested(action: PresentAction) -> tuple[str, dict[str, Any]]:
    """As `told`, of an action as it entered its device's queue, also where it began at once."""
    subject, data = told(action)
    beginning = {"version": 1, "state": ActionState.PENDING, "attempt": 0, "started_at": None}
    return subject, data | beginning | {"updated_at": action.requested_at}


def alike(
    event: Callable[[PresentAction], tuple[str, dict[str, Any]]], actions: Sequence[PresentAction]
) -> list[tuple[str, bytes]]:
    """As `event`, of actions that one call has added and that are in one state, with the data as JSON.

    They differ in id and device alone; what they share is encoded once.
    """
    if not actions:
        return []
    shared = {name: value for name, value in event(actions[0])[1].items() if name not in _Own.__struct_fields__}
    rest = _encode(shared)[1:]
    return [
        (f"action/{one.id}", b"%b,%b" % (_encode(_Own(one.id, one.device_id, one.device_uid))[:-1], rest))
        for one in actions
    ]


def command(action: Action | PresentAction) -> Command:
    """The present attempt, until the action's deadline."""
    assert action.command_id is not None  # noqa: S101 - a running action has one, the database sees to it
    return Command(action.device_uid, action.command_id, action.type, action.params, action.deadline)


def cancellation(action: Action | PresentAction, *, command_id: UUID, until: datetime) -> Command:
    """Tells the device that what a former command asked is no longer wanted."""
    return Command(action.device_uid, command_id, "cancel", {"id": str(action.command_id)}, until)


def change(action: Action | PresentAction, verb: str) -> Change:
    """An entry of the audit log about an action, under its id."""
    told = {"device_uid": action.device_uid, "type": action.type, "params": action.params}
    return Change("action", str(action.id), verb, after=told)


def bulk_change(bulk: BulkActionRead) -> Change:
    """An entry of the audit log about a call to many devices; which they are its actions say."""
    told = {
        "type": bulk.type,
        "params": bulk.params,
        "target": bulk.target,
        "devices": bulk.total - len(bulk.skipped),
        "skipped": len(bulk.skipped),
    }
    return Change("bulk_action", str(bulk.bulk_id), "requested", after=told)
