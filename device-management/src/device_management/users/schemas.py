"""The HTTP shapes of people."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator

from device_management.auth.schemas import NewPassword
from device_management.keys.schemas import Name
from device_management.roles.schemas import RoleName, Scope

MAX_ID = 2**31 - 1

Email = Annotated[
    str,
    Field(max_length=254, pattern=r"^[^@\s\x00]{1,64}@[^@\s\x00]{1,189}$"),
    AfterValidator(lambda email: email.lower()),
]
Roles = Annotated[list[RoleName], Field(max_length=10)]
Scopes = Annotated[list[Scope], Field(max_length=20)]


class UserCreate(BaseModel):
    """`scopes` are given beside those of the roles, which are built in or the organization's own.

    Nobody gives what they do not hold.
    """

    model_config = ConfigDict(extra="forbid")

    email: Email
    name: Name
    password: NewPassword
    roles: Roles = Field(default_factory=list)
    scopes: Scopes = Field(default_factory=list)


class UserEdit(BaseModel):
    """What is left out stays as it is; null is no value."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    password: NewPassword | None = None
    roles: Roles | None = None
    scopes: Scopes | None = None
    active: StrictBool | None = None

    @model_validator(mode="after")
    def _no_nulls(self) -> "UserEdit":
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("null is no value here; leave out what stays as it is")
        return self


class UserRead(BaseModel):
    """`scopes` are those beside the roles', `effective_scopes` all together."""

    id: int
    organization_id: int
    email: str
    name: str
    roles: list[str]
    scopes: list[str]
    effective_scopes: list[str]
    active: bool
    version: int
    created_at: datetime
    updated_at: datetime
