"""The HTTP shapes of devices."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from device_management.devices.errors import DeviceNotFound
from device_management.devices.states import Lifecycle, Status
from shared.contracts.nesting import deeper_than
from shared.contracts.nul import holds_nul
from shared.contracts.numbers import beyond_doubles
from shared.http.declared import raises
from shared.names import readable

MAX_JSON_BYTES = 16 * 1024
MAX_JSON_DEPTH = 8


def storable_json(value: dict[str, Any]) -> dict[str, Any]:
    """Refuses what PostgreSQL's jsonb does not hold (NUL, lone surrogates, NaN) and what is too deep or too large.

    A whole number of thousands of digits would take a millisecond wherever it is read or written. Raises
    PydanticCustomError.
    """
    if deeper_than(value, MAX_JSON_DEPTH):
        raise PydanticCustomError("json_depth", "at most {depth} levels", {"depth": MAX_JSON_DEPTH})
    if beyond_doubles(value):
        raise PydanticCustomError("json_number", "numbers beyond 1.8e308 are infinite to most programs")
    try:
        written = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        raise PydanticCustomError("json_value", "NaN, infinity and broken text are no JSON") from None
    if holds_nul(written):
        raise PydanticCustomError("text_nul", "text must not hold NUL")
    if len(written) > MAX_JSON_BYTES:
        raise PydanticCustomError("json_size", "at most {size} bytes of JSON", {"size": MAX_JSON_BYTES})
    return value


DeviceReference = Annotated[str, raises(DeviceNotFound)]
"""The id or the uid of a device, in a path."""

_NO_NUL = r"^[^\x00]*$"
"""What PostgreSQL's text holds."""

Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_NO_NUL)]
Serial = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=_NO_NUL)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_NUL)]
Attributes = Annotated[dict[str, Any], AfterValidator(storable_json)]


Tags = Annotated[list[Annotated[Word, AfterValidator(readable)]], Field(max_length=64)]


STATUS_WORDS = {word.value: word for word in (*Status, *Lifecycle)}
"""`maintenance` is of both, and is moved."""


def _status_word(value: Any) -> Lifecycle | Status:
    word = STATUS_WORDS.get(value.lower()) if isinstance(value, str) else None
    if word is None:
        words = ", ".join(sorted(STATUS_WORDS))
        raise PydanticCustomError("status_word", "must be one of {words}, in either case", {"words": words})
    return word


StatusWord = Annotated[
    Lifecycle | Status,
    PlainValidator(_status_word, json_schema_input_type=Lifecycle | Status),
    PlainSerializer(str, return_type=str),
]
"""A lifecycle, which is moved, or an operational status, which is set; in either case."""


class DeviceEdit(BaseModel):
    """What of a device can be edited; what is left out stays as it is, and null clears."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    device_type: Word | None = None
    serial_number: Serial | None = None
    hardware_version: Word | None = None
    updates_enabled: StrictBool = True
    attributes: Attributes | None = None
    tags: Tags | None = None

    def given(self) -> dict[str, Any]:
        """The members that the request names, as the table takes them."""
        given = self.model_dump(exclude_unset=True)
        for name, empty in (("attributes", dict[str, Any]()), ("tags", list[str]())):
            if name in given and given[name] is None:
                given[name] = empty
        return given


class StatusSet(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: StatusWord


@dataclass(frozen=True)
class DeviceFilter:
    """Which devices a list holds; None leaves a member open. `status` is the shown one."""

    lifecycle: Lifecycle | None = None
    status: Status | None = None
    device_type: str | None = None
    tag: str | None = None
    rql: str | None = None
    group_id: int | None = None


class DeviceRead(BaseModel):
    """A device as people and programs see it. `status` is derived, see the architecture's state machines.

    `firmware_version` is what the platform takes it to run; what is `reported_` the device says of itself. `online` is
    null until it has been there for the first time.
    """

    id: int
    device_uid: str
    name: str | None
    device_type: str | None
    organization_id: int
    serial_number: str | None
    hardware_version: str | None
    firmware_version: str | None
    reported_firmware_version: str | None
    reported_attributes: dict[str, Any]
    reported_at: datetime | None
    lifecycle: str
    status: Status
    online: bool | None = None
    updates_enabled: bool
    attributes: dict[str, Any]
    tags: list[str]
    site_id: int | None = None
    current_action_id: int | None = None
    version: int
    registered_at: datetime
    updated_at: datetime


class DeviceStatusRead(DeviceRead):
    """The device after its status was set, and the status shown before and after."""

    success: Literal[True] = True
    message: str
    previous_status: Status
    current_status: Status


class DeviceInfo(BaseModel):
    """A device in short; `id` is its uid."""

    id: str
    name: str | None
    type: str | None
    status: Status
    registered_at: datetime
    updated_at: datetime
    current_action_id: int | None


class DeviceInfoRead(BaseModel):
    success: Literal[True] = True
    message: str
    device_info: DeviceInfo
