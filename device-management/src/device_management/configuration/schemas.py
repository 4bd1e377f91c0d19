"""The HTTP shapes of configuration."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from device_management.devices.schemas import Attributes


class DesiredConfiguration(BaseModel):
    """What the device is to be set to, whole."""

    model_config = ConfigDict(extra="forbid")

    desired: Attributes


class Difference(BaseModel):
    """A member that is not as it should be; one that the device does not report is null there."""

    desired: Any
    reported: Any


class ConfigurationRead(BaseModel):
    """`drift` holds the members that differ, None until the device has reported; `action_id` is what sets it now."""

    device_uid: str
    desired: dict[str, Any]
    reported: dict[str, Any] | None
    reported_at: datetime | None
    drift: dict[str, Difference] | None
    version: int
    action_id: int | None = None


@dataclass(frozen=True)
class Reported:
    """What a device says it is set to, as of `at`."""

    device_uid: str
    configuration: dict[str, Any]
    at: datetime
