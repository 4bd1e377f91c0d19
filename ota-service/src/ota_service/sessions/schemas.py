"""The HTTP shapes of updates, for people and for devices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from ota_service.firmware.schemas import FirmwareId, Label
from ota_service.sessions.states import SessionState
from shared.contracts.routes import DEVICE_UID

MAX_PARTS = 16
MAX_SOAK_S = 30 * 86_400

_MAX_ERROR = 500


def _cut(value: Any) -> Any:
    """A device that fails may say much about it: the beginning is kept, and what PostgreSQL cannot hold is left out."""
    if not isinstance(value, str):
        return value
    return value.encode(errors="ignore").decode().replace("\0", "")[:_MAX_ERROR]


class UpdateCreate(BaseModel):
    """Update one device with one approved firmware."""

    model_config = ConfigDict(extra="forbid")

    device_uid: Annotated[str, StringConstraints(pattern=rf"^{DEVICE_UID.pattern}$")]
    firmware_id: FirmwareId | None = None
    firmware_ids: Annotated[tuple[FirmwareId, ...], Field(min_length=1, max_length=MAX_PARTS)] | None = None
    """In place of it, several that are installed in this order."""
    deadline_s: Annotated[int, Field(ge=1, le=366 * 86_400, strict=True)] | None = None
    """Seconds in which the device must have taken the update up; the platform's own default is seven days."""
    soak_s: Annotated[int, Field(ge=1, le=MAX_SOAK_S, strict=True)] | None = None
    """It is completed once the device itself has said that it runs the new version and stayed connected so long."""
    consent: StrictBool = False
    """It is held until a person or the device confirms it."""
    force: StrictBool = False
    """Also what is older than what the device has, or what it runs already."""
    floors: Annotated[dict[Label, Label], Field(max_length=MAX_PARTS)] = {}
    """By the name of a firmware: a device that does not run at least this version of it is refused, forced or not."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.firmware_id is None) == (self.firmware_ids is None):
            raise PydanticCustomError("firmware", "give one of firmware_id and firmware_ids")
        return self

    def terms(self) -> "Terms":
        ids = self.firmware_ids or () if self.firmware_id is None else (self.firmware_id,)
        return Terms(ids, self.deadline_s, self.soak_s, self.consent, self.force, self.floors)


@dataclass(frozen=True)
class Terms:
    """What devices are updated with, in the order of installation, and how. The rest is as in UpdateCreate.

    A device must run at least the version of each of `floors`, by the name of the firmware.
    """

    firmware_ids: tuple[int, ...]
    deadline_s: int | None = None
    soak_s: int | None = None
    consent: bool = False
    force: bool = False
    floors: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Origin:
    """What sessions are opened for: a batch, and by their slugs the release and the wave that the batch is of."""

    batch_id: int
    release: str | None = None
    wave: str | None = None


@dataclass(frozen=True)
class Opening:
    """What came of the opening of a session: its id, or the reason why there is none, as a word and as a sentence."""

    device_uid: str
    session_id: UUID | None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class EndedSession:
    """How the session of a device in a batch has ended."""

    session_id: UUID
    device_uid: str
    state: SessionState
    error: str | None


class Cancellation(BaseModel):
    """A device that has begun is asked to stop, unless `force` ends the update whatever the device does."""

    model_config = ConfigDict(extra="forbid")

    force: StrictBool = False


class SessionRead(BaseModel):
    """An update of a device. `deadline` is when it times out unless the device reports; None once it has ended."""

    session_id: UUID
    device_uid: str
    firmware_id: int
    firmware_name: str
    firmware_version: str
    previous_version: str | None
    state: SessionState
    progress: int | None
    error: str | None
    deadline: datetime | None
    soak_s: int | None
    confirmed_at: datetime | None
    """With a soak, when the device itself said that it runs the new version."""
    action_id: int | None = None
    """The action that it carries out."""
    batch_id: int | None = None
    """The batch that it was opened for."""
    release: str | None = None
    wave: str | None = None
    """The slugs of the release that the batch is of and, on the way there, of its wave."""
    opened_by: str
    opened_at: datetime
    updated_at: datetime


class ReportRead(BaseModel):
    """What `device`, `deadline` or `person <id>` said at a time, and whether it came to be."""

    by: str
    reported: SessionState
    state_before: SessionState | None
    accepted: bool
    progress: int | None
    error: str | None
    at: datetime


class PartRead(BaseModel):
    """One firmware of a session, and what the device ran well before under that name, as far as it was known."""

    position: int
    firmware_id: int
    name: str
    version: str
    previous_firmware_id: int | None


class SessionDetail(SessionRead):
    """With its parts in their order, and its history, late and refused reports included, the oldest first."""

    parts: list[PartRead]
    reports: list[ReportRead]


def _whole(value: object) -> object:
    """What a device counts in may have no integers: 50.0 is 50."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class DeviceReport(BaseModel):
    """What a device may add to a report; all of it is optional, and so is the body."""

    model_config = ConfigDict(extra="ignore")

    progress: Annotated[int, Field(ge=0, le=100, strict=True), BeforeValidator(_whole)] | None = None
    """Percent of the download."""
    error: Annotated[str, BeforeValidator(_cut)] | None = None
    """Why it failed; the first 500 characters are kept."""


class Offer(BaseModel):
    """An update that waits for the device. Verify `signature` over the bytes of `manifest` before anything else.

    `manifest` is canonical JSON: session, device_uid, counter, hardware_versions, issued_at, expires_at (epoch
    seconds), and `parts` in the order of installation: name, version, release_counter, size, sha256 of each; those of
    the first are on the outside too. `signature` is Ed25519 over its UTF-8 bytes, base64; `key_id` names the key, one
    of GET /api/v2/firmware/keys.
    """

    session_id: UUID
    state: SessionState
    manifest: str
    signature: str
    key_id: str
    download: str
    """Path of the first image on this origin; ranges are served."""
    downloads: list[str]
    """Of all images, in the order of the parts."""
    deadline: datetime
