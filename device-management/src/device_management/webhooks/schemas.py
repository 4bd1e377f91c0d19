"""The HTTP shapes of webhooks. A secret is shown when it is made, and not again."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from device_management.webhooks.states import DeliveryState, Disabled


def _text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("text_nul", "text must not hold NUL")
    return value


def _several(value: list[str]) -> list[str]:
    return sorted(set(value))


Url = Annotated[str, StringConstraints(min_length=1, max_length=2_000), AfterValidator(_text)]
EventTypes = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=64)]],
    Field(min_length=1, max_length=100),
    AfterValidator(_several),
]
Description = Annotated[str, StringConstraints(max_length=500), AfterValidator(_text)]


class WebhookCreate(BaseModel):
    """`event_types` holds types (`device.registered.v1`), subjects (`device.*`), or `*` for all."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    event_types: EventTypes
    description: Description | None = None
    enabled: StrictBool = True


class WebhookChange(BaseModel):
    """What is named changes, what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    url: Url = ""
    event_types: EventTypes = Field(default_factory=list[str])
    description: Description | None = None
    enabled: StrictBool = True

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing", "name at least one member to change")
        return self


class WebhookRead(BaseModel):
    """`disabled_because` says why the platform turned it off; turning it on again is up to people."""

    id: int
    organization_id: int
    url: str
    event_types: list[str]
    description: str | None
    enabled: bool
    disabled_because: Disabled | None
    failing_since: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class WebhookSecret(BaseModel):
    """`whsec_` and base64, for Standard Webhooks libraries; the one before signs too until `previous_until`."""

    secret: str
    previous_until: datetime | None = None


class WebhookCreated(WebhookRead, WebhookSecret):
    """The webhook with its secret, shown this once."""


class AttemptRead(BaseModel):
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None


class DeliveryRead(BaseModel):
    id: int
    event_id: UUID
    event_type: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    ended_at: datetime | None


class DeliveryDetail(DeliveryRead):
    """With what is sent, and every attempt of the last 30 days."""

    body: str
    history: list[AttemptRead]
