"""Alert rules as they are stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.alert_rules.states import Kind, Severity
from monitoring.fleet.models import Scope


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold at a device. Which members count depends on the kind.

    - threshold: the newest value of `metric` is over `above` or under `below`.
    - rate: the newest value of `metric` less the oldest of the `window_s` seconds before it is.
    - missing: nothing newer, with `metric` of that metric, has come in for `for_s` seconds.
    - presence: the device has been disconnected for `offline_s` seconds.

    Once it holds, it does so until the value is back at `clear_at`, which is the limit itself unless given.
    """

    kind: Kind
    metric: str | None = None
    above: float | None = None
    below: float | None = None
    clear_at: float | None = None
    window_s: float | None = None
    for_s: float | None = None
    offline_s: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """`wait` is how long the condition must hold before it alerts. `version` counts people's changes.

    `silenced_until`: no alert opens before then, by the database's clock. A deleted rule stays for a while, so that
    everybody hears of its end.
    """

    rule_id: str
    organization_id: int
    name: str
    severity: Severity
    condition: Condition
    wait: timedelta
    scope: Scope
    enabled: bool
    silenced_until: datetime | None
    deleted: bool
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    fingerprint: str | None = None
    """Of the request that made it, where that had an idempotency key."""

    @property
    def is_on(self) -> bool:
        return self.enabled and not self.deleted
