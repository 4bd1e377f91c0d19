"""From the events of actions and configurations to the live items about them, pure."""

from monitoring.actions.models import Task
from shared.contracts.actions import ActionState
from shared.contracts.configuration import ConfigurationState
from shared.contracts.live import ActionItem, ConfigurationItem, live_item


def task_of(state: ActionState | ConfigurationState) -> Task:
    kind = ActionItem if isinstance(state, ActionState) else ConfigurationItem
    return Task(state.organization_id, live_item(kind, state))
