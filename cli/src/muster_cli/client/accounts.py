"""What became of what devices sent."""

from collections.abc import AsyncIterator
from datetime import date

from pydantic import BaseModel

from muster_cli.client.rest import Rest


class Account(BaseModel):
    """Samples: received = stored + duplicate + expired. It follows what comes in by a minute or so.

    `messages` are what they came in, and the `dead` among them could not be read; `undated` are among `stored`, and
    `gaps` are numbers that are missing between samples.
    """

    device_uid: str
    messages: int
    received: int
    stored: int
    undated: int
    duplicate: int
    expired: int
    dead: int
    gaps: int


class AccountClient(Rest):
    def accounts(self, first: date, last: date, *, uid: str | None = None) -> AsyncIterator[Account]:
        """Of the devices that sent anything on these days in UTC, both included, by uid; or of one."""
        asked = {"from": first.isoformat(), "to": last.isoformat(), "device_uid": uid}
        return self._items(Account, "/api/v2/telemetry/accounting", asked, limit=None)
