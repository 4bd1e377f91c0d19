"""The event envelope: CloudEvents 1.0 attributes in structured JSON.

Source: CloudEvents 1.0.2, "JSON Event Format"; extension attributes are lower case without separators.
"""

from datetime import datetime
from typing import Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import DomainError


class UnreadableEvent(DomainError):
    """The data of an event does not have the shape of its type; it will not get better by waiting."""

    status = 422
    code = "unreadable_event"


class EventData(BaseModel):
    """What happened, in the past tense, with the whole public state of the aggregate it happened to.

    A reader ignores members it does not know, so optional additions stay within the version.
    `type` is `<subject>.<verb>.v<major>`; `version` grows with every change of the aggregate.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    """Set by every event in the catalog."""

    urgent: ClassVar[bool] = False
    """Published before all that waits and is not: what it tells must be known everywhere within seconds."""

    organization_id: int
    version: int

    def subject(self) -> str:
        """The aggregate, e.g. `device/pump-7`; the relay keeps events of one subject in order."""
        raise NotImplementedError

    @classmethod
    def of(cls, envelope: "Envelope") -> Self:
        """What happened, read from its envelope. Raises UnreadableEvent."""
        try:
            return cls.model_validate(envelope.data)
        except ValidationError as error:
            problems = f"{error.error_count()} members are not as they should be"
            raise UnreadableEvent(f"{envelope.type}: {problems}") from None


class Envelope(BaseModel):
    """One event as it travels. `data` stays a plain mapping until a consumer parses it by its type."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    organizationid: int
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    data: dict[str, Any]

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def decode(cls, body: bytes) -> "Envelope":
        """Raises pydantic's ValidationError for anything that is not an envelope."""
        return cls.model_validate_json(body)
