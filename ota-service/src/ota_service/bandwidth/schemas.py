"""The HTTP shapes of bandwidths, and a piece of time on a line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MIN_RATE = 16 * 1024
"""Bytes a second: below it, a device would give up before its first piece has come."""

SiteId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class BandwidthEdit(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bytes_per_second: Annotated[int, Field(ge=MIN_RATE, le=100 * 1024**3, strict=True)]
    """What all downloads of the site's devices take together."""


class BandwidthRead(BaseModel):
    site_id: int
    bytes_per_second: int
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True)
class Reservation:
    """So many bytes may be sent after so many seconds."""

    bytes: int
    seconds: float
