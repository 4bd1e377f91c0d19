"""From an alert to its events and to the live item about it, pure."""

from datetime import datetime
from typing import Any

from monitoring.alerts.models import Alert
from shared.contracts.alerts import AlertAcknowledged, AlertCleared, AlertCommented, AlertOpened, AlertState, Comment
from shared.contracts.live import AlertItem


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
    return AlertItem(
        alert_id=alert.alert_id,
        rule_id=alert.rule_id,
        rule_name=alert.rule_name,
        severity=alert.severity,
        device_uid=alert.device_uid,
        metric=alert.metric,
        value=alert.value,
        threshold=alert.threshold,
        state=str(alert.state),
        version=alert.version,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_at=_milliseconds(alert.acknowledged_at),
        opened_at=_milliseconds(alert.opened_at) or 0,
        cleared_at=_milliseconds(alert.cleared_at),
        release=alert.release,
        session_id=alert.session_id,
    )


def _state(alert: Alert) -> dict[str, Any]:
    return {
        "organization_id": alert.organization_id,
        "version": alert.version,
        "alert_id": alert.alert_id,
        "rule_id": alert.rule_id,
        "rule_name": alert.rule_name,
        "severity": alert.severity,
        "device_uid": alert.device_uid,
        "kind": alert.kind,
        "metric": alert.metric,
        "value": alert.value,
        "threshold": alert.threshold,
        "state": str(alert.state),
        "opened_at": alert.opened_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_by": alert.acknowledged_by,
        "cleared_at": alert.cleared_at,
        "cleared_by": alert.cleared_by,
        "clear_reason": alert.clear_reason,
        "release": alert.release,
        "session_id": alert.session_id,
    }


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)
