"""Alerts as they are stored, from the condition's first moment on."""

from dataclasses import dataclass
from datetime import datetime

from monitoring.alert_rules.states import Kind, Severity
from monitoring.alerts.states import ClearReason, Phase, State


@dataclass(frozen=True, slots=True)
class Comment:
    by: str
    text: str
    at: datetime
    key: str | None = None
    """The Idempotency-Key that its writer gave it."""


@dataclass(frozen=True, slots=True)
class Alert:
    """`state` is None until it has opened; `version` counts what people hear of, `revision` every write.

    `since` is when the condition began to hold; `due_at` when somebody must look at it next. The times of deadlines are
    the database's.
    """

    alert_id: str
    organization_id: int
    rule_id: str
    device_uid: str
    phase: Phase
    revision: int
    due_at: datetime | None
    since: datetime | None = None
    state: State | None = None
    version: int = 0
    rule_name: str = ""
    severity: Severity = Severity.WARNING
    kind: Kind = Kind.THRESHOLD
    metric: str | None = None
    value: float | None = None
    threshold: float | None = None
    opened_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    cleared_at: datetime | None = None
    cleared_by: str | None = None
    clear_reason: ClearReason | None = None
    release: str | None = None
    session_id: str | None = None
    comments: tuple[Comment, ...] = ()

    @property
    def key(self) -> str:
        return key_of(self.rule_id, self.device_uid)


@dataclass(frozen=True, slots=True)
class Mark:
    """A reason to look at a rule and a device now."""

    organization_id: int
    rule_id: str
    device_uid: str

    @property
    def key(self) -> str:
        return key_of(self.rule_id, self.device_uid)


@dataclass(frozen=True, slots=True)
class Known:
    """What a worker remembers of a rule and device between two looks at the store."""

    alert_id: str
    key: str
    phase: Phase


def key_of(rule_id: str, device_uid: str) -> str:
    """Held by at most one document at a time: the one whose condition is watched or has not ended."""
    return f"{rule_id}:{device_uid}"
