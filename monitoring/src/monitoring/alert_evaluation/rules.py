"""When a condition holds, and what becomes of an alert then. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from monitoring.alert_evaluation.models import Finding, Verdict
from monitoring.alert_rules.models import Condition, Rule
from monitoring.alert_rules.states import Kind
from monitoring.alerts.models import Alert
from monitoring.alerts.states import ClearReason, Phase, State
from monitoring.telemetry.models import Reading, moment
from shared.contracts.telemetry import Value

SETTLE = timedelta(seconds=5)
"""How long after a decision it is looked at once more: by then every worker has heard of it, and what one of them let
pass because it had not is found in the store. Longer than workers go without looking what has changed.
"""
RECHECK = timedelta(minutes=10)
"""How often an open alert is looked at when nothing happens: its device may have left the scope or the fleet."""

NOTHING = Finding(Verdict.OVER)


def number(value: Value | None) -> float | None:
    """Booleans count as 0 and 1; text has no number."""
    return None if value is None or isinstance(value, str) else float(value)


def within(condition: Condition, value: float) -> Finding:
    """How the value stands to the limits."""
    above, below = condition.above, condition.below
    if above is not None and value > above:
        return Finding(Verdict.HOLDS, value, above)
    if below is not None and value < below:
        return Finding(Verdict.HOLDS, value, below)
    clear_at = condition.clear_at
    between = clear_at is not None and (
        (above is not None and value > clear_at) or (below is not None and value < clear_at)
    )
    return Finding(Verdict.BETWEEN if between else Verdict.OVER, value, above if above is not None else below)


def silence(condition: Condition, readings: Mapping[str, Reading], now: datetime) -> Finding:
    """Of a device that has never reported nothing is missing."""
    asked = [readings.get(condition.metric)] if condition.metric is not None else list(readings.values())
    received = max((reading.received for reading in asked if reading is not None), default=0)
    if not received:
        return NOTHING
    return _overdue(moment(received), condition.for_s or 0.0, now)


def absence(condition: Condition, *, online: bool, since: datetime | None, now: datetime) -> Finding:
    """Of a device that has never been connected nothing is said."""
    if online or since is None:
        return NOTHING
    return _overdue(since, condition.offline_s or 0.0, now)


def followed(alert: Alert, rule: Rule, finding: Finding, now: datetime) -> Alert:
    """What becomes of an alert whose condition was looked at. It says itself when to look again."""
    if alert.phase in {Phase.ACTIVE, Phase.HELD}:
        if finding.verdict is Verdict.OVER:
            return ended(alert, now, ClearReason.RECOVERED)
        return replace(alert, due_at=now + _recheck(rule.condition))
    if finding.verdict is not Verdict.HOLDS:
        if finding.look_at is None:
            return ended(alert, now, ClearReason.RECOVERED)
        return replace(alert, phase=Phase.WATCHED, since=None, due_at=finding.look_at)
    since = alert.since or finding.since or now
    ready = max(since + rule.wait, rule.silenced_until or since)
    if ready > now:
        return replace(alert, phase=Phase.PENDING, since=since, due_at=ready)
    return _opened(replace(alert, since=since), rule, finding, now)


def ended(alert: Alert, now: datetime, reason: ClearReason) -> Alert:
    """The end of the condition; an open alert is cleared with it."""
    after = replace(alert, phase=Phase.ENDED, due_at=now + SETTLE)
    if alert.phase is not Phase.ACTIVE:
        return after
    return replace(after, state=State.CLEARED, cleared_at=now, clear_reason=reason, version=alert.version + 1)


def _opened(alert: Alert, rule: Rule, finding: Finding, now: datetime) -> Alert:
    return replace(
        alert,
        phase=Phase.ACTIVE,
        state=State.ACTIVE,
        version=1,
        opened_at=now,
        due_at=now + SETTLE,
        rule_name=rule.name,
        severity=rule.severity,
        kind=rule.condition.kind,
        metric=rule.condition.metric,
        value=finding.value,
        threshold=finding.threshold,
    )


def _overdue(last: datetime, allowed_s: float, now: datetime) -> Finding:
    """Nothing since `last`: too long once that is more than `allowed_s` ago."""
    at = last + timedelta(seconds=allowed_s)
    passed = max((now - last).total_seconds(), 0.0)
    if at > now:
        return Finding(Verdict.OVER, passed, allowed_s, look_at=at)
    return Finding(Verdict.HOLDS, passed, allowed_s, since=at)


def _recheck(condition: Condition) -> timedelta:
    """What changes by time alone is looked at more often."""
    if condition.kind is Kind.RATE:
        return min(timedelta(seconds=max((condition.window_s or 0.0) / 2, 1.0)), RECHECK)
    return RECHECK
