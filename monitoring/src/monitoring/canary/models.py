"""A question about a wave as it is kept, and what the comparison of devices comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitoring.canary.states import Verdict


@dataclass(frozen=True, slots=True)
class Criterion:
    """`worse` is `higher` or `lower`: by more than `tolerance_percent` of what others have, a metric is worse."""

    metric: str
    worse: str
    tolerance_percent: int


@dataclass(frozen=True, slots=True)
class Canary:
    """See `shared.contracts.canaries.CanaryRequest`; `release` and `wave` are slugs."""

    canary_id: int
    organization_id: int
    release: str
    wave: str
    metrics: Sequence[Criterion]
    alerts: bool
    min_devices: int
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Figure:
    """One criterion with its verdict: how many devices of either side say what of it. Alerts have no `metric`."""

    metric: str | None
    verdict: Verdict
    devices: int
    mean: float | None
    others: int
    others_mean: float | None


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    detail: str
    figures: Sequence[Figure]
