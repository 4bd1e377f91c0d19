"""The newest update session of a device, as it is kept."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Update:
    """`counter` grows from session to session, `version` within one. `progress` is percent of the download.

    `batch_id`, `release` (its slug) and `wave` say what it was opened for.
    """

    device_uid: str
    organization_id: int
    session_id: str
    counter: int
    version: int
    state: str
    progress: int | None
    firmware_name: str
    firmware_version: str
    error: str | None
    updated_at: datetime
    batch_id: int | None = None
    release: str | None = None
    wave: str | None = None
