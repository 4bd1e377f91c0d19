"""The HTTP shapes of alert rules. Durations are in seconds, limits in the unit of the metric."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from monitoring.alert_rules.states import Kind, Severity
from shared.contracts.routes import DEVICE_UID
from shared.contracts.telemetry import METRIC_NAME
from shared.http.moments import Moment
from shared.names import readable

MAX_DEVICES = 1_000

_DAY_S = 86_400


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(readable)]
Metric = Annotated[str, StringConstraints(pattern=f"^{METRIC_NAME.pattern}$")]
Limit = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Uid = Annotated[str, StringConstraints(pattern=f"^{DEVICE_UID.pattern}$")]
Wait = Annotated[float, Field(ge=0, le=7 * _DAY_S, allow_inf_nan=False, strict=True)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Bounds(_Body):
    metric: Metric
    above: Limit | None = None
    below: Limit | None = None
    clear_at: Limit | None = None
    """Where the condition ends again; without it where it begins."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.above is None and self.below is None:
            raise PydanticCustomError("no_limit", "give `above` or `below`, or both")
        if self.above is not None and self.below is not None and self.above < self.below:
            raise PydanticCustomError("crossed_limits", "`above` must not be less than `below`")
        if self.clear_at is None:
            return self
        if self.above is not None and self.below is not None:
            raise PydanticCustomError("clear_at_of_two", "`clear_at` goes with one limit alone")
        if (self.above is not None and self.clear_at > self.above) or (
            self.below is not None and self.clear_at < self.below
        ):
            raise PydanticCustomError("clear_at_beyond", "`clear_at` must lie on the good side of the limit")
        return self


class ThresholdCondition(_Bounds):
    """The newest value is over `above` or under `below`. Booleans count as 0 and 1."""

    kind: Literal[Kind.THRESHOLD]


class RateCondition(_Bounds):
    """The value has changed by more than `above`, or less than `below`, within `window_s`: newest less oldest."""

    kind: Literal[Kind.RATE]
    window_s: Annotated[float, Field(ge=1, le=_DAY_S, allow_inf_nan=False, strict=True)]


class MissingCondition(_Body):
    """A device that has reported has been silent for `for_s`; with `metric` about that."""

    kind: Literal[Kind.MISSING]
    metric: Metric | None = None
    for_s: Annotated[float, Field(ge=1, le=30 * _DAY_S, allow_inf_nan=False, strict=True)]


class PresenceCondition(_Body):
    """A device that was connected has been disconnected for `offline_s`."""

    kind: Literal[Kind.PRESENCE]
    offline_s: Annotated[float, Field(ge=0, le=30 * _DAY_S, allow_inf_nan=False, strict=True)]


AnyCondition = Annotated[
    ThresholdCondition | RateCondition | MissingCondition | PresenceCondition, Field(discriminator="kind")
]


class ScopeBody(_Body):
    """Which devices: one of the three. A rule without it is for all of the organization."""

    group_id: Annotated[int, Field(ge=1, lt=2**63, strict=True)] | None = None
    rql: str | None = None
    device_uids: Annotated[list[Uid], Field(min_length=1, max_length=MAX_DEVICES)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(value is not None for value in (self.group_id, self.rql, self.device_uids)) != 1:
            raise PydanticCustomError("one_scope", "give one of `group_id`, `rql` and `device_uids`")
        return self


class AlertRuleCreate(_Body):
    name: Name
    severity: Severity = Severity.WARNING
    condition: AnyCondition
    for_s: Wait = 0.0
    """How long the condition must hold before it alerts."""
    scope: ScopeBody | None = None
    enabled: Annotated[bool, Field(strict=True)] = True


class AlertRuleChange(_Body):
    """What is named changes, what is left out stays; `scope` null stands for all devices."""

    name: Name | None = None
    severity: Severity | None = None
    condition: AnyCondition | None = None
    for_s: Wait | None = None
    scope: ScopeBody | None = None
    enabled: Annotated[bool, Field(strict=True)] | None = None

    @model_validator(mode="after")
    def _takes_nothing_away(self) -> Self:
        for name in self.model_fields_set - {"scope"}:
            if getattr(self, name) is None:
                raise PydanticCustomError("missing", "{name} cannot be taken away", {"name": name})
        return self


class Silence(_Body):
    """Until when no alert of the rule opens; null ends the silence. Open alerts stay open."""

    until: Moment | None


class AlertRuleRead(BaseModel):
    id: str
    name: str
    severity: Severity
    condition: dict[str, Any]
    for_s: float
    scope: dict[str, Any] | None
    enabled: bool
    silenced_until: datetime | None
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime


class AlertRulePreview(BaseModel):
    """What a rule would look at now."""

    devices: int
