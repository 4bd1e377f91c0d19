"""The HTTP shapes of alerts."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from monitoring.alert_rules.states import Kind, Severity
from monitoring.alerts.states import ClearReason, State


def _text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("text_nul", "text must not hold NUL")
    return value


class CommentCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), AfterValidator(_text)
    ]


class CommentRead(BaseModel):
    by: str
    text: str
    at: datetime


class _Alert(BaseModel):
    """`value` is what opened it and `threshold` its limit: in the metric's unit, or seconds of silence or absence."""

    id: str
    rule_id: str
    rule_name: str
    severity: Severity
    device_uid: str
    kind: Kind
    metric: str | None
    value: float | None
    threshold: float | None
    state: State
    version: int
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    cleared_at: datetime | None
    cleared_by: str | None
    clear_reason: ClearReason | None
    release: str | None
    session_id: str | None


class AlertRead(_Alert):
    comments: int
    """How many there are."""


class AlertDetail(_Alert):
    comments: list[CommentRead]
