"""The HTTP shapes of jobs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from device_management.devices.schemas import Attributes
from device_management.mass_configuration.states import ItemState, JobKind, JobState
from device_management.sites.schemas import Description, Host, Password, Port, SiteName, Username

MAX_DEVICES = 10_000
MAX_SITES = 100

Uid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Uids = Annotated[list[Uid], Field(min_length=1, max_length=MAX_DEVICES)]


class JobCreate(BaseModel):
    """Sets `params` on many devices, at most `concurrency` at a time; each has `deadline_s` seconds.

    A member that is null is taken away from the device's configuration.
    """

    model_config = ConfigDict(extra="forbid")

    params: Attributes
    device_uids: Uids | None = None
    rql: str | None = None
    group_id: Annotated[int, Field(ge=1, lt=2**63, strict=True)] | None = None
    concurrency: Annotated[int, Field(ge=1, le=100_000, strict=True)] = 1_000
    deadline_s: Annotated[int, Field(ge=1, le=30 * 24 * 3600, strict=True)] = 3_600

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if sum(target is not None for target in (self.device_uids, self.rql, self.group_id)) != 1:
            raise PydanticCustomError("one_target", "give one of device_uids, rql and group_id")
        if not self.params:
            raise PydanticCustomError("nothing", "params name at least one member to set")
        return self


class JobRead(BaseModel):
    """A job with how many of its items are in each state."""

    id: UUID
    run_id: UUID
    kind: JobKind
    target: dict[str, Any]
    params: dict[str, Any]
    concurrency: int
    deadline_s: int
    state: JobState
    total: int
    counts: Mapping[ItemState, int]
    version: int
    requested_by: str
    requested_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class ItemRead(BaseModel):
    """A device (or a site) of a job: its uid (or name), and the reason why it did not succeed.

    `bulk_id` finds its action among the others.
    """

    name: str
    state: ItemState
    bulk_id: int | None
    attempts: int
    reason: str | None
    updated_at: datetime


class WorkflowStart(BaseModel):
    """A mass configuration by query, or by `device_uids` in its place."""

    model_config = ConfigDict(extra="forbid")

    rql_query: str | None = None
    device_uids: Uids | None = None
    config_params: Attributes

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.rql_query is None) == (self.device_uids is None):
            raise PydanticCustomError("one_target", "give one of rql_query and device_uids")
        if not self.config_params:
            raise PydanticCustomError("nothing", "config_params name at least one member to set")
        return self


class SiteStart(BaseModel):
    """A site to create; `port` may be a string of digits."""

    model_config = ConfigDict(extra="forbid")

    siteName: SiteName  # noqa: N815 - the name that clients send
    host: Host
    port: Port
    username: Username | None = None
    password: Password | None = None
    description: Description | None = None


def _named_once(sites: list[SiteStart]) -> list[SiteStart]:
    names = Counter(site.siteName for site in sites)
    if repeated := [name for name, times in names.items() if times > 1]:
        raise PydanticCustomError("repeated", "a name comes more than once: {names}", {"names": ", ".join(repeated)})
    return sites


SiteStarts = Annotated[list[SiteStart], Field(min_length=1, max_length=MAX_SITES), AfterValidator(_named_once)]
"""Each with a name of its own, for that is what its outcome is told by."""


class Started(BaseModel):
    """What `/api/config/status` asks for."""

    workflowID: UUID  # noqa: N815 - the names that clients rely on
    runID: UUID  # noqa: N815


class Progress(BaseModel):
    total: int
    succeeded: int
    failed: int
    in_progress: int
    pending: int
    cancelled: int


class ItemOutcome(BaseModel):
    """`success` is null while it is not known."""

    name: str
    success: bool | None
    state: ItemState
    reason: str | None


class WorkflowStatus(Started):
    """Progress, and success or failure of each device (or site) with the reason; `next` when there are more."""

    kind: JobKind
    status: JobState
    progress: Progress
    items: list[ItemOutcome]
    next: str | None


@dataclass(frozen=True)
class Outcome:
    """How an item ended, known by the call that asked its device; `reason` says why it did not succeed."""

    bulk_id: int
    name: str
    state: ItemState
    reason: str | None
