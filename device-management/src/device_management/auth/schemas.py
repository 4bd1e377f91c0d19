"""The HTTP shapes of signing in."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCOPES = (
    "devices:read",
    "devices:write",
    "updates:read",
    "updates:write",
    "updates:approve",
    "telemetry:read",
    "alerts:write",
    "organization:admin",
    "platform:admin",
)
"""Every scope there is; the first administrator has them all."""


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
    scopes: list[str]
