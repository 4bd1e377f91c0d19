"""Use cases of the audit log: write down changes in their own transaction, and read them."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_core import to_jsonable_python

from device_management.audit.models import AuditEntry
from device_management.audit.rules import State, difference, without_secrets
from device_management.audit.schemas import Actor, ActorRead, AuditEntryRead, Change
from device_management.audit.states import ActorKind
from device_management.audit.store import AuditStore
from shared.http.pagination import Page, decode_cursor, page_of
from shared.observability import correlation


class AuditService:
    def __init__(self, store: AuditStore) -> None:
        self._store = store

    async def record(self, organization_id: int, who: Actor, changes: Sequence[Change]) -> None:
        """Writes down what `who` did to subjects of this organization, in one statement.

        Only what differs is kept, and no secret. A change of nothing leaves no entry.
        """
        trace = correlation.current()
        kept: list[Change] = []
        states = to_jsonable_python([(change.before, change.after) for change in changes])
        for change, (was, became) in zip(changes, states, strict=True):
            before, after = difference(was, became)
            if before is None or after is None or before or after:
                kept.append(Change(change.subject_kind, change.subject_id, change.action, before, after))
        if kept:
            await self._store.add(organization_id, who, kept, correlation_id=trace.correlation_id if trace else None)

    @staticmethod
    def blanked(state: State) -> dict[str, Any]:
        """The same without secrets, as the log keeps it."""
        return without_secrets(state)

    async def record_begun(
        self, organization_id: int, who: Actor, kind: str, action: str, begun: Iterable[tuple[str, bytes]]
    ) -> None:
        """As `record`, of thousands of subjects of one kind that were not there before.

        Each is the subject's id, and as JSON its first state, `blanked`.
        """
        trace = correlation.current()
        await self._store.add_begun(
            organization_id, who, kind, action, begun, correlation_id=trace.correlation_id if trace else None
        )

    async def page(
        self,
        organization_id: int,
        *,
        kind: str | None = None,
        subject_id: str | None = None,
        cursor: str | None,
        limit: int,
    ) -> Page[AuditEntryRead]:
        """Newest first: of one subject, of one kind, or of the whole organization. Raises BadCursor."""
        before_id = decode_cursor(cursor, int)[0] if cursor else None
        rows = await self._store.page(
            organization_id, kind=kind, subject_id=subject_id, before_id=before_id, limit=limit + 1
        )
        kept, following = page_of(rows, limit, lambda entry: (entry.id,))
        return Page(items=[_read(entry) for entry in kept], next=following)


def _read(entry: AuditEntry) -> AuditEntryRead:
    actor = ActorRead(kind=ActorKind(entry.actor_kind), id=entry.actor_id, name=entry.actor_name)
    return AuditEntryRead.model_validate({**entry.model_dump(), "actor": actor})
