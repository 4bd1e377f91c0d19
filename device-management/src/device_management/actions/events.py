"""From an action's row to the event about it and the commands to its device, pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from device_management.actions.models import Action
from device_management.actions.states import ActionState
from device_management.audit.schemas import Change
from shared.contracts import actions as contracts
from shared.outbox.commands import Command

E = TypeVar("E", bound=contracts.ActionState)

OF_STATE: Mapping[ActionState, type[contracts.ActionState]] = {
    ActionState.PENDING: contracts.ActionRequested,
    ActionState.RUNNING: contracts.ActionStarted,
    ActionState.COMPLETED: contracts.ActionCompleted,
    ActionState.FAILED: contracts.ActionFailed,
    ActionState.CANCELLED: contracts.ActionCancelled,
    ActionState.TIMED_OUT: contracts.ActionTimedOut,
}


def state_event(kind: type[E], action: Action) -> E:
    """An event of `kind` with the action's whole public state."""
    return kind.model_validate({**action.model_dump(), "action_id": action.id, "action_type": action.type})


def entered(action: Action) -> contracts.ActionState:
    """That the action is in its present state now."""
    return state_event(OF_STATE[ActionState(action.state)], action)


def command(action: Action) -> Command:
    """The present attempt, until the action's deadline."""
    assert action.command_id is not None  # noqa: S101 - a running action has one, the database sees to it
    return Command(action.device_uid, action.command_id, action.type, action.params, action.deadline)


def cancellation(action: Action, *, command_id: UUID, until: datetime) -> Command:
    """Tells the device that what a former command asked is no longer wanted."""
    return Command(action.device_uid, command_id, "cancel", {"id": str(action.command_id)}, until)


def change(action: Action, verb: str) -> Change:
    """An entry of the audit log about an action, under its id."""
    told = {"device_uid": action.device_uid, "type": action.type, "params": action.params}
    return Change("action", str(action.id), verb, after=told)
