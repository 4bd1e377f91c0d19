"""What the calls answer, whichever way they went. Words for a status and a type are lower case, as over REST."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_OPEN = frozenset({"pending", "running"})


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """`id` is the uid."""

    id: str
    name: str | None
    type: str | None
    status: str
    registered_at: datetime
    updated_at: datetime
    current_action_id: str | None


@dataclass(frozen=True, slots=True)
class StatusFacts:
    previous: str
    current: str


@dataclass(frozen=True, slots=True)
class ActionFacts:
    """`progress` in percent; `completed_at` is None until it has ended."""

    id: str
    device_id: str
    type: str
    status: str
    initiated_at: datetime
    completed_at: datetime | None = None
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    error: str | None = None
    progress: int | None = None

    @property
    def is_over(self) -> bool:
        return self.status not in _OPEN
