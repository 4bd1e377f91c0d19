"""The HTTP shapes of resyncs."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ResyncCreate(BaseModel):
    """Whose devices to tell again: the caller's organization's, or with `all` everybody's."""

    model_config = ConfigDict(extra="forbid")

    everyone: bool = Field(default=False, alias="all", strict=True)


class ResyncRead(BaseModel):
    """How far it is, in devices."""

    id: int
    state: Literal["running", "completed"]
    everyone: bool = Field(serialization_alias="all")
    total: int
    done: int
    requested_at: datetime
    completed_at: datetime | None
