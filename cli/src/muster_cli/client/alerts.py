"""Alerts, and the rules that open them."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from muster_cli.client.rest import Rest

_ALERTS = "/api/v2/alerts"
_RULES = "/api/v2/alert-rules"


class Comment(BaseModel):
    by: str
    text: str
    at: datetime


class Alert(BaseModel):
    """`value` is what opened it and `threshold` its limit; `comments` are those themselves only where one was read."""

    id: str
    rule_id: str
    rule_name: str
    severity: str
    device_uid: str
    kind: str
    metric: str | None = None
    value: float | None = None
    threshold: float | None = None
    state: str
    version: int
    opened_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    cleared_at: datetime | None = None
    cleared_by: str | None = None
    clear_reason: str | None = None
    release: str | None = None
    session_id: str | None = None
    comments: int | list[Comment] = 0


class AlertRule(BaseModel):
    """`scope` None stands for all devices; `for_s` is how long the condition must hold."""

    id: str
    name: str
    severity: str
    condition: dict[str, Any]
    for_s: float
    scope: dict[str, Any] | None = None
    enabled: bool
    silenced_until: datetime | None = None
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime


class AlertRulePreview(BaseModel):
    """How many devices a rule would look at now."""

    devices: int


class AlertClient(Rest):
    def alerts(
        self,
        *,
        state: str | None = None,
        severity: str | None = None,
        device_uid: str | None = None,
        rule_id: str | None = None,
        acknowledged: bool | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Alert]:
        """The organization's, newest first; at most `limit`."""
        params = {"state": state, "severity": severity, "device_uid": device_uid, "rule": rule_id}
        return self._items(Alert, _ALERTS, {**params, "acknowledged": acknowledged}, limit=limit)

    async def alert(self, alert_id: str) -> Alert:
        """With its comments."""
        return await self._call(Alert, "GET", f"{_ALERTS}/{quote(alert_id, safe='')}")

    async def acknowledge_alert(self, alert_id: str) -> Alert:
        return await self._call(Alert, "POST", f"{_ALERTS}/{quote(alert_id, safe='')}/acknowledge")

    async def comment_alert(self, alert_id: str, text: str) -> Alert:
        return await self._call(Alert, "POST", f"{_ALERTS}/{quote(alert_id, safe='')}/comments", json={"text": text})

    async def clear_alert(self, alert_id: str) -> Alert:
        return await self._call(Alert, "POST", f"{_ALERTS}/{quote(alert_id, safe='')}/clear")

    def alert_rules(self, *, limit: int | None = None) -> AsyncIterator[AlertRule]:
        """Oldest first; at most `limit`."""
        return self._items(AlertRule, _RULES, {}, limit=limit)

    async def alert_rule(self, rule_id: str) -> AlertRule:
        return await self._call(AlertRule, "GET", f"{_RULES}/{quote(rule_id, safe='')}")

    async def create_alert_rule(self, body: Any) -> AlertRule:
        return await self._call(AlertRule, "POST", _RULES, json=body)

    async def preview_alert_rule(self, body: Any) -> AlertRulePreview:
        """What it would look at; nothing is written."""
        return await self._call(AlertRulePreview, "POST", _RULES, params={"dry_run": "true"}, json=body)

    async def change_alert_rule(self, rule_id: str, body: Mapping[str, Any]) -> AlertRule:
        return await self._call(AlertRule, "PATCH", f"{_RULES}/{quote(rule_id, safe='')}", json=body)

    async def silence_alert_rule(self, rule_id: str, until: datetime | None) -> AlertRule:
        """No alert of the rule opens until then; None ends the silence."""
        body = {"until": until.isoformat() if until else None}
        return await self._call(AlertRule, "POST", f"{_RULES}/{quote(rule_id, safe='')}/silence", json=body)

    async def delete_alert_rule(self, rule_id: str) -> None:
        """Clears its open alerts; past ones stay."""
        await self._send("DELETE", f"{_RULES}/{quote(rule_id, safe='')}")
