"""What became of what devices sent."""

from collections.abc import AsyncIterator
from datetime import date

from pydantic import BaseModel

from muster_cli.client.rest import Rest


class Account(BaseModel):
    """Samples: received = stored + duplicate + expired. It follows what comes in by a minute or so."""

    device_uid: str
    received: int
    stored: int
    duplicate: int
    expired: int


class AccountClient(Rest):
    def accounts(self, first: date, last: date) -> AsyncIterator[Account]:
        """Of the devices that sent anything on these days in UTC, both included, by uid."""
        days = {"from": first.isoformat(), "to": last.isoformat()}
        return self._items(Account, "/api/v2/telemetry/accounting", days, limit=None)
