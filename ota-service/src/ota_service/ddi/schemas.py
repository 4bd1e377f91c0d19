"""The protocol's JSON. What it does not know in a body it ignores, and keys without a value it leaves out.

Source: Eclipse hawkBit, "Direct Device Integration API", and what its clients send.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from ota_service.sessions.models import NewSession
from ota_service.sessions.states import SessionState

_DETAILS, _DETAIL_CHARS = 64, 256
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_CHARS = 128
_INT64 = 2**63 - 1


class Execution(StrEnum):
    CLOSED = "closed"
    PROCEEDING = "proceeding"
    CANCELED = "canceled"
    SCHEDULED = "scheduled"
    REJECTED = "rejected"
    RESUMED = "resumed"
    DOWNLOADED = "downloaded"
    DOWNLOAD = "download"


class Finished(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"
    NONE = "none"


class Mode(StrEnum):
    MERGE = "merge"
    REPLACE = "replace"
    REMOVE = "remove"


class Consent(StrEnum):
    CONFIRMED = "confirmed"
    DENIED = "denied"


def _capped(value: Any) -> Any:
    """Whole logs come here: the last lines are kept, each cut, without what PostgreSQL cannot hold."""
    if value is None:
        return []
    if not isinstance(value, list):
        return value
    return [str(line).replace("\0", "")[:_DETAIL_CHARS] for line in cast("list[Any]", value)[-_DETAILS:]]


def _whole(value: Any) -> Any:
    """Clients count in all sorts of ways; what is no natural number says nothing."""
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _INT64
    return value if known else None


def _counted(value: Any) -> Any:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


class _Incoming(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Progress(_Incoming):
    cnt: Annotated[int | None, BeforeValidator(_whole)] = None
    of: Annotated[int | None, BeforeValidator(_whole)] = None

    @property
    def percent(self) -> int | None:
        if self.cnt is None or not self.of:
            return None
        return min(100, 100 * self.cnt // self.of)


class Result(_Incoming):
    finished: Finished
    progress: Annotated[Progress | None, BeforeValidator(_counted)] = None


class Status(_Incoming):
    execution: Execution
    result: Result
    code: Annotated[int | None, BeforeValidator(_whole)] = None
    details: Annotated[list[str], BeforeValidator(_capped)] = []


class Feedback(_Incoming):
    """What a device reports of an action. Its `id` and `time` are ignored: the path and our clock say it."""

    status: Status

    @property
    def progress(self) -> int | None:
        counted = self.status.result.progress
        return None if counted is None else counted.percent


class ConfirmationFeedback(_Incoming):
    confirmation: Consent
    code: Annotated[int | None, BeforeValidator(_whole)] = None
    details: Annotated[list[str], BeforeValidator(_capped)] = []


_Attribute = Annotated[str, StringConstraints(max_length=MAX_ATTRIBUTE_CHARS, pattern=r"^[^\x00]*$")]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ATTRIBUTE_CHARS, pattern=r"^[^\x00]*$")]


class ConfigData(_Incoming):
    mode: Mode = Mode.MERGE
    data: Annotated[dict[_Name, _Attribute], Field(min_length=1)]


class _Outgoing(BaseModel):
    def encode(self) -> bytes:
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


class Link(_Outgoing):
    href: str


class Polling(_Outgoing):
    sleep: str
    """HH:mm:ss"""


class Config(_Outgoing):
    polling: Polling


Links = Annotated[dict[str, Link] | None, Field(serialization_alias="_links")]


class Base(_Outgoing):
    config: Config
    links: Links = None


class Hashes(_Outgoing):
    sha1: str
    md5: str
    sha256: str


class Artifact(_Outgoing):
    filename: str
    hashes: Hashes
    size: int
    links: Links


class Chunk(_Outgoing):
    part: str
    version: str
    name: str
    artifacts: list[Artifact]


class Deployment(_Outgoing):
    download: str
    update: str
    maintenance_window: Annotated[str | None, Field(serialization_alias="maintenanceWindow")] = None
    chunks: list[Chunk]


class ActionHistory(_Outgoing):
    status: str
    messages: list[str]


class DeploymentBase(_Outgoing):
    id: str
    deployment: Deployment
    action_history: Annotated[ActionHistory | None, Field(serialization_alias="actionHistory")] = None


class ConfirmationAction(_Outgoing):
    id: str
    confirmation: Deployment
    action_history: Annotated[ActionHistory | None, Field(serialization_alias="actionHistory")] = None


class StopId(_Outgoing):
    stop_id: Annotated[str, Field(serialization_alias="stopId")]


class CancelAction(_Outgoing):
    id: str
    cancel_action: Annotated[StopId, Field(serialization_alias="cancelAction")]


class AutoConfirm(_Outgoing):
    active: bool


class ConfirmationBase(_Outgoing):
    auto_confirm: Annotated[AutoConfirm, Field(serialization_alias="autoConfirm")]
    links: Links


@dataclass(frozen=True)
class Preferences:
    """What an organization has set for this protocol, in its settings under `ddi`."""

    poll_seconds: int
    target_token: bool
    gateway_token: bool


@dataclass(frozen=True)
class Waiting:
    """The open session of a device as it was when the device was let in, and its number here."""

    session: NewSession

    @property
    def action(self) -> int:
        return self.session.counter

    @property
    def state(self) -> SessionState:
        return SessionState(self.session.state)

    @property
    def confirmed(self) -> bool:
        """Whether the device has said that it is done."""
        return self.session.confirmed_at is not None


@dataclass(frozen=True)
class Caller:
    """A device that was let in; `by` tells in histories who speaks for it.

    One that is not `known` a gateway asks for, and the copy of the fleet has none of that uid (yet).
    """

    organization_id: int
    uid: str
    by: str
    preferences: Preferences
    known: bool
    site_id: int | None
    attributes_wanted: bool
    auto_confirm: bool
    waiting: Waiting | None
    window_is_open: bool | None
    """Whether what waits may be installed now; None where there is no maintenance window."""
    opens_in_s: float | None
    """When the next maintenance window opens for which the device is to be updated."""
    installed: int | None
    """The action that was completed last."""


class Offered(StrEnum):
    """What a device that asks may be sent to, by the name of the link."""

    DEPLOYMENT = "deploymentBase"
    CANCEL = "cancelAction"
    CONFIRMATION = "confirmationBase"


@dataclass(frozen=True)
class Offer:
    kind: Offered
    action: int
    checksum: int


@dataclass(frozen=True)
class Poll:
    """The answer to a device that asks: when it is to ask again, what waits, what it installed last."""

    seconds: int
    offer: Offer | None = None
    installed: int | None = None
    attributes_wanted: bool = False
