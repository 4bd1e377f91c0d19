"""From the events of actions and configurations to the live items about them, pure."""

from monitoring.actions.models import Task
from shared.contracts.actions import ActionState
from shared.contracts.configuration import ConfigurationState
from shared.contracts.live import ActionItem, ConfigurationItem, instant, instant_or_none


def task_of(state: ActionState | ConfigurationState) -> Task:
    item = _action(state) if isinstance(state, ActionState) else _configuration(state)
    return Task(state.organization_id, item)


def _action(state: ActionState) -> ActionItem:
    return ActionItem(
        action_id=state.action_id,
        device_uid=state.device_uid,
        version=state.version,
        action_type=state.action_type,
        state=state.state,
        progress=state.progress,
        error=state.error,
        attempt=state.attempt,
        priority=state.priority,
        bulk_id=state.bulk_id,
        requested_by=state.requested_by,
        requested_at=instant(state.requested_at),
        started_at=instant_or_none(state.started_at),
        completed_at=instant_or_none(state.completed_at),
        deadline=instant(state.deadline),
        updated_at=instant(state.updated_at),
    )


def _configuration(state: ConfigurationState) -> ConfigurationItem:
    return ConfigurationItem(
        device_uid=state.device_uid,
        version=state.version,
        desired_version=state.desired_version,
        drift=state.drift,
        reported_at=instant_or_none(state.reported_at),
        updated_at=instant(state.updated_at),
    )
