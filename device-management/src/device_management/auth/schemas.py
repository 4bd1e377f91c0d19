"""The HTTP shapes of signing in."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MIN_PASSWORD = 10
MAX_PASSWORD = 1_024

NewPassword = Annotated[str, Field(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)]


class TokenPair(BaseModel):
    """`expires_in` is the access token's, in seconds. The refresh token is good for one use."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a word of RFC 6750, no secret
    expires_in: int
    refresh_token: str


class RefreshRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    refresh_token: Annotated[str, Field(min_length=1, max_length=512)]


class OwnOrganization(BaseModel):
    id: int
    slug: str
    name: str


class Me(BaseModel):
    """The signed-in person; `scopes` are those of the token, which may be fewer than the person's."""

    id: int
    email: str
    name: str
    organization: OwnOrganization
    roles: list[str]
    scopes: list[str]


class PasswordChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    current_password: Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD)]
    new_password: NewPassword
