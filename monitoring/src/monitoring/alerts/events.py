"""From an alert to its events and to the live item about it, pure."""

from typing import Any

from monitoring.alerts.models import Alert
from shared.contracts.alerts import AlertAcknowledged, AlertCleared, AlertCommented, AlertOpened, AlertState, Comment
from shared.contracts.live import AlertItem, live_item


def opened(alert: Alert) -> AlertState:
    return AlertOpened(**_state(alert))


def acknowledged(alert: Alert) -> AlertState:
    return AlertAcknowledged(**_state(alert))


def commented(alert: Alert) -> AlertState:
    comment = alert.comments[-1]
    return AlertCommented(**_state(alert), comment=Comment(by=comment.by, text=comment.text, at=comment.at))


def cleared(alert: Alert) -> AlertState:
    return AlertCleared(**_state(alert))


def item_of(alert: Alert) -> AlertItem:
    return live_item(AlertItem, alert)


def _state(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in AlertState.model_fields}
