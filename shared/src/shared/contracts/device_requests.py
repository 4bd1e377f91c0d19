"""What devices ask of device-management through ota-service, which lets in update clients of other makers."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from shared.contracts.envelope import EventData


class DeviceRequest(EventData):
    """`version` counts the requests of the device; of two the greater is the later one."""

    type: ClassVar[str]

    device_uid: str
    requested_by: str
    """`device`, or `gateway <id>`."""
    requested_at: datetime

    def subject(self) -> str:
        return f"device_request/{self.device_uid}"


class DeviceRegistrationRequested(DeviceRequest):
    """A gateway speaks for a device that nobody has registered. It may be told again while the device is unknown."""

    type = "device.registration_requested.v1"


class DeviceAttributesReported(DeviceRequest):
    """What the device says of itself, whole."""

    type = "device.attributes_reported.v1"

    attributes: dict[str, str] = Field(default_factory=dict[str, str])
