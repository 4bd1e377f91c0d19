"""From an action that cannot be carried out to the event about it, pure."""

from shared.contracts.actions import ActionState
from shared.contracts.updates import UpdateRefused
from shared.errors import DomainError


def update_refused(order: ActionState, error: DomainError) -> UpdateRefused:
    """Why an action gets no session."""
    return UpdateRefused(
        organization_id=order.organization_id,
        version=order.version,
        action_id=order.action_id,
        device_uid=order.device_uid,
        reason=error.code,
        detail=error.detail,
    )
