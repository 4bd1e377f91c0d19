"""The HTTP shapes of registration."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, Protocol, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, WrapValidator
from pydantic_core import PydanticCustomError

from device_management.devices.schemas import (
    STATUS_WORDS,
    Attributes,
    DeviceRead,
    Name,
    Serial,
    StatusWord,
    Tags,
    Word,
    storable_json,
)
from device_management.devices.states import Lifecycle, Status
from shared.names import readable


def _not_retired(value: Lifecycle | Status) -> Lifecycle | Status:
    if value is Lifecycle.RETIRED:
        raise PydanticCustomError("status_retired", "a device's life does not begin with its end")
    return value


class Members(NamedTuple):
    """What a device to register is given."""

    name: str | None
    device_type: str | None
    serial_number: str | None
    hardware_version: str | None
    status: Lifecycle | Status
    updates_enabled: bool
    attributes: dict[str, Any]
    tags: list[str]


class Proposal(Protocol):
    """A device to register, of the right shape; whether it may be registered is for the service to say."""

    @property
    def organization_id(self) -> int | None: ...

    @property
    def device_uid(self) -> str | None:
        """None or empty where one is to be generated."""
        ...

    def members(self) -> Members: ...

    def given(self) -> dict[str, Any]:
        """What was said of it, as JSON values."""
        ...


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

    def members(self) -> Members:
        return Members(
            self.name,
            self.device_type,
            self.serial_number,
            self.hardware_version,
            self.status,
            self.updates_enabled,
            self.attributes,
            self.tags,
        )

    def given(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)


class DeviceCreate(DeviceMembers):
    """A device to register; its organization is the caller's."""

    organization_id: Annotated[int, Field(ge=1, lt=2**31, strict=True)] | None = None


class BatchDevice(DeviceMembers):
    """A device of a batch, which names its organization."""

    organization_id: Annotated[int, Field(strict=True)]


_Word = Annotated[str, Meta(min_length=1, max_length=64)]
_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Serial = Annotated[str, Meta(min_length=1, max_length=128)]
_Status = Annotated[str, Meta(pattern=rf"^({'|'.join(STATUS_WORDS.keys() - {Lifecycle.RETIRED.value})})\Z")]
"""In lower case; in any other it is for pydantic."""

_NUL = b"\\u0000"


class ReadDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A `BatchDevice` whose shape is right, read in a tenth of the time; what was not given is unset, or empty.

    What it takes pydantic would take too, and for the same values; all else pydantic judges, so that every refusal is
    the same.
    """

    organization_id: int
    device_uid: _Word = ""
    name: _Name | UnsetType | None = UNSET
    device_type: _Word | UnsetType | None = UNSET
    serial_number: _Serial | UnsetType | None = UNSET
    hardware_version: _Word | UnsetType | None = UNSET
    status: _Status | UnsetType = UNSET
    updates_enabled: bool | UnsetType = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET
    tags: Annotated[list[_Word], Meta(max_length=64)] | UnsetType = UNSET

    def members(self) -> Members:
        return Members(
            self.name or None,
            self.device_type or None,
            self.serial_number or None,
            self.hardware_version or None,
            STATUS_WORDS[self.status] if self.status else Status.IDLE,
            self.updates_enabled is not False,
            self.attributes or {},
            self.tags or [],
        )

    def given(self) -> dict[str, Any]:
        given: dict[str, Any] = msgspec.to_builtins(self)
        if not self.device_uid:
            del given["device_uid"]
        return given


_decode = msgspec.json.Decoder(list[ReadDevice]).decode


class ReadBatch(list[ReadDevice]):
    """A body that was taken."""


def read_batch(body: bytes) -> ReadBatch | None:
    """None where pydantic has to say what is wrong, or takes what this does not."""
    if _NUL in body:
        return None
    try:
        devices = ReadBatch(_decode(body))
        for device in devices:
            if device.attributes:
                storable_json(device.attributes)
            for tag in device.tags or ():
                readable(tag)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return devices or None


def _unless_read(body: Any, validate: Callable[[Any], Any]) -> Any:
    return body if isinstance(body, ReadBatch) else validate(body)


Batch = Annotated[list[BatchDevice], Field(min_length=1), WrapValidator(_unless_read)]
"""A sequence of `Proposal`."""


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


class BatchAnswer(NamedTuple):
    """`read` is its `BatchRead` as JSON."""

    successful: list[Registered]
    failed: list[BatchFailure]
    read: bytes

    @classmethod
    def of(cls, successful: list[Registered], failed: list[BatchFailure]) -> Self:
        devices = b",".join([b'{"device":%b}' % device.read for device in successful])
        failures = msgspec.json.encode([failure.model_dump() for failure in failed])
        return cls(successful, failed, b'{"successful":[%b],"failed":%b}' % (devices, failures))
