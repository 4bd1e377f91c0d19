"""The HTTP shapes of firmware."""

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from ota_service.firmware.states import FirmwareState

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]*")
_FILENAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._+()\[\],@=~!-]*")


def _label(value: str) -> str:
    """Names go into paths, manifests and pages: no separators, no markup, no control characters."""
    if not _LABEL.fullmatch(value) or ".." in value:
        raise PydanticCustomError("label", "letters, digits, blanks and . _ + - only, beginning with a letter or digit")
    return value


def _filename(value: str) -> str:
    if not _FILENAME.fullmatch(value) or ".." in value:
        raise PydanticCustomError("filename", "a plain file name: no path, no quotes, no markup, ASCII only")
    return value


def _listed(value: Any) -> Any:
    """A field that is repeated, or holds several with commas between them, as a form does it."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return value
    return [part.strip() for text in cast("list[Any]", value) for part in str(text).split(",") if part.strip()]


def _plain(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("text", "NUL has no place in text")
    return value


def _sorted(values: list[str]) -> list[str]:
    return sorted(set(values))


FirmwareId = Annotated[int, Field(ge=1, lt=2**63, strict=True)]
Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    AfterValidator(_label),
    Field(json_schema_extra={"pattern": f"^{_LABEL.pattern}$"}),
]
Digest = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9A-Fa-f]{64}$")]


class FirmwareUpload(BaseModel):
    """What comes beside the file. Without `hardware_versions` it fits every device."""

    model_config = ConfigDict(extra="forbid")

    name: Label
    version: Label
    filename: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_filename)]
    hardware_versions: Annotated[
        list[Label], Field(max_length=64), BeforeValidator(_listed), AfterValidator(_sorted)
    ] = []
    sha256: Digest | None = None
    """What the uploader expects; another digest refuses the upload."""


class FirmwareRead(BaseModel):
    id: int
    name: str
    version: str
    filename: str
    hardware_versions: list[str]
    """Sorted; none: it fits every device."""

    size: int
    """In bytes."""

    sha256: str
    """Of the file, in hex."""

    release_counter: int
    """Grows with every upload of the same name."""

    state: FirmwareState
    uploaded_by: str
    uploaded_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_because: str | None


class ApprovalRead(BaseModel):
    by: str
    at: datetime


class FirmwareDetail(FirmwareRead):
    """With who has approved it so far, and how many must."""

    approvals: list[ApprovalRead]
    approvals_needed: int


class Withdrawal(BaseModel):
    """Why; people read it where they would have chosen the firmware."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_plain)
    ]


class PolicyEdit(BaseModel):
    """From two on the one who uploaded an image is not one of those who approve it, and only people count."""

    model_config = ConfigDict(extra="forbid")

    approvals: Annotated[int, Field(ge=1, le=10, strict=True)]


class PolicyRead(PolicyEdit):
    """How many people must approve a firmware of the organization before it may be installed."""

    model_config = ConfigDict(extra="ignore")

    version: int


_IMAGE = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
_ETAG = {"ETag": {"description": "The SHA-256 of the image", "schema": {"type": "string"}}}
_PART = {"Content-Range": {"schema": {"type": "string"}}}
IMAGE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {**_IMAGE, "description": "The image", "headers": _ETAG},
    206: {**_IMAGE, "description": "The range that was asked for", "headers": _ETAG | _PART},
    304: {"description": "The client has it: If-None-Match names its ETag", "headers": _ETAG},
}
"""How a download is answered, for the OpenAPI document."""


class PublicKeys(BaseModel):
    """The Ed25519 keys that sign manifests, as a JSON Web Key Set (RFC 8037)."""

    keys: list[dict[str, str]]


@dataclass(frozen=True)
class Wanted:
    """What a GET or HEAD asks for of a file."""

    head: bool = False
    part: str | None = None
    if_range: str | None = None
    if_none_match: str | None = None

    @classmethod
    def of(cls, method: str, headers: Mapping[str, str]) -> "Wanted":
        """`headers` by lower-case name. A Range has a meaning for GET alone (RFC 9110, section 14.2)."""
        head = method == "HEAD"
        return cls(
            head=head,
            part=None if head else headers.get("range"),
            if_range=headers.get("if-range"),
            if_none_match=headers.get("if-none-match"),
        )


@dataclass(frozen=True)
class Download:
    """The answer to it: status, headers and the bytes, of which there may be none."""

    status: int
    headers: dict[str, str]
    chunks: AsyncGenerator[bytes]
