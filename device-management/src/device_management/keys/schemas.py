"""The HTTP shapes of keys."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from device_management.roles.schemas import Scope
from shared.names import readable

Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(readable)]
Days = Annotated[int, Field(ge=1, le=3_650, strict=True)]


class ApiKeyCreate(BaseModel):
    """`scopes` are at most those of the token that asks."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)]
    expires_in_days: Days = 90


class GatewayCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    expires_in_days: Days = 365


class KeyRead(BaseModel):
    """`prefix` stands in the token as well.

    `last_used_at` is at most some minutes behind, and knows of uses at this service alone.
    """

    id: UUID
    name: str
    prefix: str
    user_id: int | None
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class KeyIssued(KeyRead):
    """`token` is shown this once and kept nowhere."""

    token: str
