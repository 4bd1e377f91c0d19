"""Who changes something, what a change is, and the HTTP shape of an entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel

from device_management.audit.states import ActorKind
from shared.http.principal import Principal
from shared.tokens import Audience


@dataclass(frozen=True)
class Actor:
    """Who did it: `id` of the user, key, gateway or device, `name` as people know it (an e-mail, a key's name)."""

    kind: ActorKind
    id: str | None = None
    name: str | None = None

    @classmethod
    def of(cls, principal: Principal) -> "Actor":
        """An API key is named by its own id and name; whom it speaks for is known by the key."""
        if principal.is_key:
            kind = ActorKind.GATEWAY if principal.audience is Audience.GATEWAY else ActorKind.API_KEY
            return cls(kind, principal.token_id, principal.name)
        kind = ActorKind.DEVICE if principal.is_device else ActorKind.USER
        return cls(kind, principal.subject, principal.name)


SYSTEM = Actor(ActorKind.SYSTEM)
"""A timer, a job, or another service's news."""


class Change(NamedTuple):
    """One change of one subject, e.g. `Change("device", "17", "registered", after=...)`.

    `before` and `after` are its state as JSON values; None before its beginning and after its end.
    """

    subject_kind: str
    subject_id: str
    action: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


class ActorRead(BaseModel):
    kind: ActorKind
    id: str | None
    name: str | None


class AuditEntryRead(BaseModel):
    """`before` and `after` hold the members that differ; a subject that began or ended has all of them on one side."""

    id: int
    subject_kind: str
    subject_id: str
    action: str
    actor: ActorRead
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: datetime
    correlation_id: str | None
