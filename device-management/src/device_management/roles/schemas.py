"""The HTTP shapes of roles, and the words for what people may do."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Scope = Literal[
    "devices:read",
    "devices:write",
    "updates:read",
    "updates:write",
    "updates:approve",
    "telemetry:read",
    "alerts:write",
    "organization:admin",
    "platform:admin",
]
RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Scopes = Annotated[list[Scope], Field(max_length=20), AfterValidator(lambda scopes: sorted(set(scopes)))]


def _plain(text: str) -> str:
    if "\0" in text:
        raise ValueError("NUL has no place in text")
    return text


Description = Annotated[str, Field(max_length=200), AfterValidator(_plain)]


class RoleCreate(BaseModel):
    """Nobody puts scopes into a role that they do not hold."""

    model_config = ConfigDict(extra="forbid")

    name: RoleName
    description: Description | None = None
    scopes: Scopes


class RoleEdit(BaseModel):
    """What is left out stays as it is. A role keeps its name, by which people hold it."""

    model_config = ConfigDict(extra="forbid")

    description: Description | None = None
    scopes: Scopes | None = None

    @model_validator(mode="after")
    def _has_scopes(self) -> "RoleEdit":
        if self.scopes is None and "scopes" in self.model_fields_set:
            raise ValueError("a role without scopes has an empty list")
        return self


class RoleRead(BaseModel):
    """A `built_in` role is the same in every organization and cannot be changed; it has no times."""

    name: str
    description: str | None
    scopes: list[str]
    built_in: bool
    version: int
    created_at: datetime | None
    updated_at: datetime | None
