"""What passes between the steps of a batch and the database."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ota_service.batches.states import DeviceState


@dataclass(frozen=True)
class Turn:
    """A pending device whose turn it is; see `batches.models.BatchDevice`."""

    device_uid: str
    firmware_ids: tuple[int, ...] | None
    wait_until: datetime | None
    time_zone: str | None
    """Its attribute of that name."""


@dataclass(frozen=True)
class Change:
    """What becomes of a device; `session_id` is that of a new attempt, `next_at` that of another turn."""

    device_uid: str
    state: DeviceState
    reason: str | None = None
    detail: str | None = None
    session_id: UUID | None = None
    next_at: datetime | None = None
    wait_until: datetime | None = None
