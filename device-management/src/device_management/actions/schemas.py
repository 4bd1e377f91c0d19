"""The HTTP shapes of actions."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from device_management.actions.states import ActionState, AttemptState
from device_management.devices.schemas import Attributes

MAX_DEVICES = 10_000
MAX_DEADLINE_S = 30 * 24 * 3600
RESERVED_TYPES = frozenset({"cancel", "update_available", "update_cancelled"})
"""Commands that the platform sends on its own account."""


def _in_lower_case(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _not_reserved(value: str) -> str:
    if value in RESERVED_TYPES:
        raise PydanticCustomError("action_type_reserved", "this type is the platform's own")
    return value


ActionType = Annotated[
    str,
    BeforeValidator(_in_lower_case),
    StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,63}$"),
    AfterValidator(_not_reserved),
]
"""`software_update`, `firmware_update`, `system_reboot`, `configuration_change`, or one's own word; in either case."""

ErrorClass = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Uid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Retry(BaseModel):
    """How often at the most in all, and how long after the first failure; each wait is twice the one before."""

    model_config = ConfigDict(extra="forbid")

    max_attempts: Annotated[int, Field(ge=1, le=20, strict=True)]
    backoff_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False, strict=True)] = 10


class ActionOrder(BaseModel):
    """What to do, with which priority (the greater first), until when, and what failures to try again.

    `retry` is keyed by the class of error that a device names (`any` is every other); it replaces the usual one, which
    tries `busy` and `transient` again.
    """

    model_config = ConfigDict(extra="forbid")

    type: ActionType
    params: Attributes = Field(default_factory=dict[str, Any])
    priority: Annotated[int, Field(ge=-100, le=100, strict=True)] = 0
    deadline_s: Annotated[int, Field(ge=1, le=MAX_DEADLINE_S, strict=True)] = 3600
    retry: Annotated[dict[ErrorClass, Retry], Field(max_length=16)] | None = None


class ActionCreate(ActionOrder):
    """An action on one device of the caller's organization."""

    device_uid: Uid


class BulkActionCreate(ActionOrder):
    """An action on each of many devices: named one by one, the members of a group, or what a query finds."""

    device_uids: Annotated[list[Uid], Field(min_length=1, max_length=MAX_DEVICES)] | None = None
    group: Annotated[int, Field(ge=1, lt=2**63, strict=True)] | None = None
    rql: str | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if sum(target is not None for target in (self.device_uids, self.group, self.rql)) != 1:
            raise PydanticCustomError("one_target", "give one of device_uids, group and rql")
        return self

    def target(self) -> dict[str, str | int]:
        """The query or the group; empty for devices named one by one."""
        if self.rql is not None:
            return {"rql": self.rql}
        return {} if self.group is None else {"group": self.group}


class DeviceActionCreate(BaseModel):
    """An action on the device of the path, as the command line sends it."""

    model_config = ConfigDict(extra="forbid")

    action_type: ActionType
    action_params: Attributes = Field(default_factory=dict[str, Any])


class ActionRead(BaseModel):
    action_id: int
    device_uid: str
    type: str
    params: dict[str, Any]
    priority: int
    state: ActionState
    progress: int | None
    result: Any
    error: str | None
    attempt: int
    next_attempt_at: datetime | None
    bulk_id: int | None
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    deadline: datetime
    version: int
    updated_at: datetime


class AttemptRead(BaseModel):
    """One command to the device, under the id that it carried."""

    command_id: str
    number: int
    state: AttemptState
    progress: int | None
    error: str | None
    error_class: str | None
    began_at: datetime
    ended_at: datetime | None


class ActionDetail(ActionRead):
    """An action with the history of its attempts, the first one first."""

    attempts: list[AttemptRead]


class Skipped(BaseModel):
    """A device that was not asked, and the code of the reason."""

    device_uid: str
    reason: str


class BulkActionRead(BaseModel):
    """One call to many devices: how many actions are in each state, and who was not asked."""

    bulk_id: int
    type: str
    params: dict[str, Any]
    target: dict[str, Any]
    total: int
    counts: dict[ActionState, int]
    skipped: list[Skipped]
    requested_by: str
    requested_at: datetime


class ActionInfo(BaseModel):
    """An action in short."""

    action_id: str
    device_id: str
    action_type: str
    status: ActionState
    initiated_at: datetime
    completed_at: datetime | None
    params: dict[str, Any]
    error_message: str | None


class ActionInfoRead(BaseModel):
    success: Literal[True] = True
    message: str
    action_id: str
    action_status: ActionState
    action_info: ActionInfo
