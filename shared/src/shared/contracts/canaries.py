"""Canaries: what monitoring is asked of the devices of a wave, and what it answers."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from shared.contracts.envelope import EventData


class CanaryMetric(BaseModel):
    """A metric that must not have become worse by more than so many percent of what other devices have."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    metric: str
    worse: str
    """`higher` or `lower`."""
    tolerance_percent: int


class CanaryRequest(BaseModel):
    """To be judged once `ends` is past, by what devices said of themselves from `begins` on."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    canary_id: int
    wave: str
    """The slug of the wave."""
    metrics: list[CanaryMetric]
    alerts: bool
    """Whether alerts that were opened count too."""
    min_devices: int
    """How many devices there must be on either side for anything to be said."""
    begins: datetime
    ends: datetime


class CanaryFigure(BaseModel):
    """One criterion: the metric, or None for alerts, and how many devices of either side say what of it.

    The means are those of the devices' own means; of alerts, the part of the devices that had one opened.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    metric: str | None = None
    verdict: str
    devices: int
    mean: float | None = None
    others: int
    others_mean: float | None = None


class CanaryJudged(EventData):
    """What monitoring found: `passed`, `failed` or `inconclusive`, with a sentence why and the figures."""

    type: ClassVar[str] = "release.canary_judged.v1"

    canary_id: int
    release: str
    wave: str
    verdict: str
    detail: str
    figures: list[CanaryFigure]
    judged_at: datetime

    def subject(self) -> str:
        return f"release_canary/{self.canary_id}"
