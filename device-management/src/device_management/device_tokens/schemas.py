"""The HTTP shapes of device tokens."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

DAY = 24 * 60 * 60


class DeviceTokenRead(BaseModel):
    """The token is shown once: nobody stores it."""

    device_uid: str
    token: str
    expires_at: datetime


class TokenRotate(BaseModel):
    """`overlap_s` is how long the tokens of before stay good."""

    model_config = ConfigDict(extra="forbid")

    overlap_s: Annotated[int, Field(ge=0, le=30 * DAY, strict=True)] = DAY


class RotatedTokenRead(DeviceTokenRead):
    previous_until: datetime
