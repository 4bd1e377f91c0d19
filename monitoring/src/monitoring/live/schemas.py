"""What clients say over Socket.IO, and what they are told."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from monitoring.live.errors import BadRequest
from monitoring.snapshots.states import Topic
from shared.contracts.routes import DEVICE_UID

MAX_DEVICES = 200
"""Single devices that one connection may watch."""

MAX_GROUPS = 20
"""Groups that one connection may watch."""

_FAULTS = 3

Uid = Annotated[str, Field(pattern=f"^{DEVICE_UID.pattern}$")]
GroupId = Annotated[int, Field(ge=1, lt=2**63, strict=True)]


class Selection(BaseModel):
    """Which devices and topics.

    Without `devices` and `groups` it means the whole organization; without `topics` all that the token may have.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    devices: Annotated[tuple[Uid, ...], Field(min_length=1, max_length=MAX_DEVICES)] | None = None
    groups: Annotated[tuple[GroupId, ...], Field(min_length=1, max_length=MAX_GROUPS)] | None = None
    topics: Annotated[tuple[Topic, ...], Field(min_length=1, max_length=len(Topic))] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it means all devices of the organization."""
        return self.devices is None and self.groups is None

    @classmethod
    def of(cls, payload: Any) -> "Selection":
        """Raises BadRequest."""
        try:
            return cls.model_validate({} if payload is None else payload)
        except ValidationError as error:
            raise BadRequest(f"not a selection of devices, groups and topics: {_faults(error)}") from None


class Credentials(BaseModel):
    """The `auth` of a connection, and the payload of `authenticate`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    token: Annotated[str, Field(max_length=4_096)]

    @classmethod
    def of(cls, payload: Any) -> "Credentials":
        """Raises BadRequest."""
        try:
            return cls.model_validate(payload)
        except ValidationError:
            raise BadRequest("a token is needed") from None


class Subscribed(BaseModel):
    """The acknowledgement of `subscribe` and `unsubscribe`: how many devices and groups, None for all of them."""

    ok: bool = True
    topics: list[Topic]
    devices: int | None
    groups: int | None


def _faults(error: ValidationError) -> str:
    """What is wrong, each with its place; the first few say it."""
    told = error.errors(include_url=False, include_context=False, include_input=False)
    faults = [": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"]))) for one in told[:_FAULTS]]
    return "; ".join(faults)
