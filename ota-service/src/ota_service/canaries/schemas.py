"""What a wave's devices are compared by, and what came of it."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from ota_service.canaries.states import CanaryVerdict
from shared.contracts.telemetry import METRIC_NAME

_MOST_METRICS = 10
_WEEK_S = 7 * 86_400


class MetricCriterion(BaseModel):
    """The mean of a metric may be `worse` by so many percent of what the other devices have."""

    model_config = ConfigDict(extra="forbid")

    metric: Annotated[str, Field(pattern=rf"^{METRIC_NAME.pattern}$")]
    worse: Literal["higher", "lower"]
    tolerance_percent: Annotated[int, Field(ge=0, le=1_000, strict=True)] = 10


class Criteria(BaseModel):
    """A wave's devices are watched for `window_s` once its gate would let the next one open, and compared with others.

    On either side there must be `min_devices`.
    """

    model_config = ConfigDict(extra="forbid")

    metrics: Annotated[list[MetricCriterion], Field(max_length=_MOST_METRICS)] = []
    alerts: StrictBool = True
    """Whether alerts that are opened meanwhile count too."""
    window_s: Annotated[int, Field(ge=60, le=_WEEK_S, strict=True)] = 3_600
    min_devices: Annotated[int, Field(ge=2, le=10_000, strict=True)] = 5

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.metrics and not self.alerts:
            raise PydanticCustomError("no_criterion", "name a metric, or let alerts count")
        if len({one.metric for one in self.metrics}) < len(self.metrics):
            raise PydanticCustomError("metric_repeated", "name each metric once")
        return self


class FigureRead(BaseModel):
    """One criterion: `metric`, or None for alerts, with the means of the wave's devices and of the others.

    Of alerts it is the part of the devices that had one opened.
    """

    metric: str | None
    verdict: str
    devices: int
    mean: float | None
    others: int
    others_mean: float | None


class CanaryRead(BaseModel):
    """What a wave is compared by. Without `begins_at` it was not asked yet, without `verdict` not answered.

    `waived` tells that a person has let the release go on all the same.
    """

    criteria: Criteria
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    verdict: CanaryVerdict | None = None
    waived: bool = False
    detail: str | None = None
    figures: list[FigureRead] = []
    judged_at: datetime | None = None
