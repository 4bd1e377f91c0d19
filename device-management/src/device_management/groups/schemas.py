"""The HTTP shapes of groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from device_management.devices.schemas import DeviceRead, Name, Word
from device_management.groups.states import GroupKind
from shared.names import readable

MAX_MEMBERS_AT_ONCE = 10_000


def _text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("text_nul", "text must not hold NUL")
    return value


Description = Annotated[str, StringConstraints(max_length=500), AfterValidator(_text)]
GroupName = Annotated[Name, AfterValidator(readable)]
GroupId = Annotated[int, Field(ge=1, lt=2**63, strict=True)]


class GroupCreate(BaseModel):
    """With `rql` a query group, whose members are the devices it finds at any time; without it a fixed one."""

    model_config = ConfigDict(extra="forbid")

    name: GroupName
    description: Description | None = None
    rql: str | None = None


class GroupChange(BaseModel):
    """What is named changes, what is left out stays. A group stays of its kind."""

    model_config = ConfigDict(extra="forbid")

    name: GroupName | None = None
    description: Description | None = None
    rql: str | None = None

    @model_validator(mode="after")
    def _keeps_its_name(self) -> Self:
        for name in ("name", "rql"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise PydanticCustomError("missing", "{name} cannot be taken away", {"name": name})
        return self


class Members(BaseModel):
    """Devices by uid, or by id as text or number."""

    model_config = ConfigDict(extra="forbid")

    devices: Annotated[list[Word | GroupId], Field(min_length=1, max_length=MAX_MEMBERS_AT_ONCE)]

    def references(self) -> list[str]:
        """Each once, in their order."""
        return list(dict.fromkeys(map(str, self.devices)))


class MembersChanged(BaseModel):
    """How many devices came or left, and how many are in the group now."""

    changed: int
    members: int


class GroupRead(BaseModel):
    """`members` counts those of a fixed group; those of a query are as many as it finds."""

    id: int
    organization_id: int
    name: str
    description: str | None
    kind: GroupKind
    rql: str | None
    members: int | None
    version: int
    created_at: datetime
    updated_at: datetime


class Search(BaseModel):
    """A dry run: how many devices a query finds, and what the first of them look like."""

    model_config = ConfigDict(extra="forbid")

    rql: str
    sample: Annotated[int, Field(ge=0, le=100, strict=True)] = 10


class SearchRead(BaseModel):
    """`exact` is false when there are more than `count`: counting stops there."""

    count: int
    exact: bool
    sample: list[DeviceRead]


@dataclass(frozen=True)
class Selection:
    """Devices to do something with: by uid or id, by query, or by group; one of the three."""

    references: Sequence[str] | None = None
    rql: str | None = None
    group_id: int | None = None
