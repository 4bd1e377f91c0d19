"""The HTTP shapes of registration."""

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool
from pydantic_core import PydanticCustomError

from device_management.devices.schemas import Attributes, DeviceRead, Name, Serial, StatusWord, Tags, Word
from device_management.devices.states import Lifecycle, Status


def _not_retired(value: Lifecycle | Status) -> Lifecycle | Status:
    if value is Lifecycle.RETIRED:
        raise PydanticCustomError("status_retired", "a device's life does not begin with its end")
    return value


class DeviceMembers(BaseModel):
    """What a device to register may be given. A missing uid is generated.

    `status` is where its life begins (else in stock), or what it reports until it speaks for itself.
    """

    model_config = ConfigDict(extra="forbid")

    device_uid: Word | None = None
    name: Name | None = None
    device_type: Word | None = None
    serial_number: Serial | None = None
    hardware_version: Word | None = None
    status: Annotated[StatusWord, AfterValidator(_not_retired)] = Status.IDLE
    updates_enabled: StrictBool = True
    attributes: Attributes = Field(default_factory=dict[str, Any])
    tags: Tags = Field(default_factory=list[str])


class DeviceCreate(DeviceMembers):
    """A device to register; its organization is the caller's."""

    organization_id: Annotated[int, Field(ge=1, lt=2**31, strict=True)] | None = None


class BatchDevice(DeviceMembers):
    """A device of a batch, which names its organization."""

    organization_id: Annotated[int, Field(strict=True)]


class BatchSuccess(BaseModel):
    device: DeviceRead


class BatchFailure(BaseModel):
    """The device as it was given, and why it was not registered."""

    device: dict[str, Any]
    error: str
    code: str


class BatchRead(BaseModel):
    """Both in the order in which the devices were given."""

    successful: list[BatchSuccess]
    failed: list[BatchFailure]


class Registered(NamedTuple):
    """A device that was registered; `read` is its `DeviceRead` as JSON."""

    device_uid: str
    read: bytes


@dataclass(frozen=True)
class BatchAnswer:
    """A `BatchRead` before it is JSON."""

    successful: list[Registered]
    failed: list[BatchFailure]

    def encode(self) -> bytes:
        return msgspec.json.encode(
            {
                "successful": [{"device": msgspec.Raw(device.read)} for device in self.successful],
                "failed": [failure.model_dump() for failure in self.failed],
            }
        )
