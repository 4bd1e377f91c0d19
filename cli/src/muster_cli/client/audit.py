"""Who changed what, and when."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from muster_cli.client.rest import Rest


class Who(BaseModel):
    """A user, an API key, a gateway or a device, or the system itself, which has no name."""

    kind: str
    id: str | None = None
    name: str | None = None


class AuditEntry(BaseModel):
    """`before` and `after` hold the members that differ."""

    id: int
    subject_kind: str
    subject_id: str
    action: str
    actor: Who
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    at: datetime


class AuditClient(Rest):
    def audit(self, subject_kind: str, subject_id: str, *, limit: int | None = None) -> AsyncIterator[AuditEntry]:
        """What happened to one thing, the newest first; at most `limit`."""
        subject = {"subject_kind": subject_kind, "subject_id": subject_id}
        return self._items(AuditEntry, "/api/v2/audit", subject, limit=limit)
