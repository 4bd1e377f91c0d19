"""The HTTP shapes of devices."""

import json
from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from device_management.devices.states import Status

MAX_JSON_BYTES = 16 * 1024
MAX_JSON_DEPTH = 8


def _storable_text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("text_nul", "text must not hold NUL")
    return value


def _storable_json(value: dict[str, Any]) -> dict[str, Any]:
    """Refuses what PostgreSQL's jsonb does not hold (NUL, lone surrogates, NaN) and what is too deep or too large."""
    if _depth(value) > MAX_JSON_DEPTH:
        raise PydanticCustomError("json_depth", "at most {depth} levels", {"depth": MAX_JSON_DEPTH})
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except ValueError:
        raise PydanticCustomError("json_value", "NaN, infinity and broken text are no JSON") from None
    if "\\u0000" in text:
        raise PydanticCustomError("text_nul", "text must not hold NUL")
    if size > MAX_JSON_BYTES:
        raise PydanticCustomError("json_size", "at most {size} bytes of JSON", {"size": MAX_JSON_BYTES})
    return value


def _depth(value: Any) -> int:
    """Levels of nesting, counted without recursion and no further than the limit."""
    level: list[Any] = [value]
    for depth in range(MAX_JSON_DEPTH + 1):
        inner: list[Any] = []
        for entry in level:
            if isinstance(entry, dict):
                inner.extend(cast("dict[str, Any]", entry).values())
            elif isinstance(entry, list):
                inner.extend(cast("list[Any]", entry))
        if not inner:
            return depth
        level = inner
    return MAX_JSON_DEPTH + 1


Word = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_storable_text)]
Serial = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_storable_text)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_storable_text)]
Attributes = Annotated[dict[str, Any], AfterValidator(_storable_json)]


class DeviceCreate(BaseModel):
    """A device to register. A missing uid is generated; the organization is the caller's."""

    model_config = ConfigDict(extra="forbid")

    device_uid: Word | None = None
    name: Name | None = None
    device_type: Word | None = None
    organization_id: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    serial_number: Serial | None = None
    hardware_version: Word | None = None
    status: Status = Status.IDLE
    updates_enabled: bool = True
    attributes: Attributes = Field(default_factory=dict[str, Any])
    tags: Annotated[list[Word], Field(max_length=64)] = Field(default_factory=list[str])


class DeviceRead(BaseModel):
    """A device as people and programs see it. `status` is derived, see the architecture's state machines."""

    id: int
    device_uid: str
    name: str | None
    device_type: str | None
    organization_id: int
    serial_number: str | None
    hardware_version: str | None
    firmware_version: str | None
    lifecycle: str
    status: Status
    updates_enabled: bool
    attributes: dict[str, Any]
    tags: list[str]
    current_action_id: int | None = None
    version: int
    registered_at: datetime
    updated_at: datetime


class DeviceTokenRead(BaseModel):
    """The token is shown once: nobody stores it."""

    device_uid: str
    token: str
    expires_at: datetime
