"""A change of presence as it is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Change:
    """The device was online, or not, from `since` until the next one.

    `online_ms` is how long it had been online in all by then, so that a window of any length takes two changes.
    """

    device_uid: str
    organization_id: int
    since: datetime
    online: bool
    online_ms: int
    version: int

    def online_by(self, moment: datetime) -> timedelta:
        """How long it had been online in all at `moment`, which is before the next change."""
        before = timedelta(milliseconds=self.online_ms)
        return before + max(timedelta(0), moment - self.since) if self.online else before
