"""Every query about the audit log."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.audit.models import AuditEntry
from device_management.audit.schemas import Actor, Change
from shared.sql import copying

_INSERT = text(
    """
    insert into audit_entries (
        organization_id, subject_kind, subject_id, action, actor_kind, actor_id, actor_name,
        before, after, correlation_id
    )
    select :organization_id, subject_kind, subject_id, action, :actor_kind, :actor_id, :actor_name,
           cast(before as jsonb), cast(after as jsonb), :correlation_id
    from unnest(
        cast(:kinds as text[]), cast(:ids as text[]), cast(:actions as text[]),
        cast(:befores as text[]), cast(:afters as text[])
    ) with ordinality as change(subject_kind, subject_id, action, before, after, place)
    order by place
    """
)

_CLOCK = text("select clock_timestamp()")

_ALIKE = ("organization_id", "subject_kind", "action", "actor_kind", "actor_id", "actor_name", "correlation_id", "at")
"""What entries that are written at once have in common."""


class AuditStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(
        self, organization_id: int, who: Actor, changes: Sequence[Change], *, correlation_id: str | None
    ) -> None:
        """Thousands in one statement."""
        await self._session.execute(
            _INSERT,
            {
                "organization_id": organization_id,
                "actor_kind": who.kind,
                "actor_id": who.id,
                "actor_name": who.name,
                "correlation_id": correlation_id,
                "kinds": [change.subject_kind for change in changes],
                "ids": [change.subject_id for change in changes],
                "actions": [change.action for change in changes],
                "befores": [_json(change.before) for change in changes],
                "afters": [_json(change.after) for change in changes],
            },
        )

    async def add_begun(
        self,
        organization_id: int,
        who: Actor,
        kind: str,
        action: str,
        begun: Iterable[tuple[str, bytes]],
        *,
        correlation_id: str | None,
    ) -> None:
        """Thousands of first states, as JSON, by the subject's id."""
        # Given and not left to its default: a default that moves would have COPY write row by row.
        at = (await self._session.execute(_CLOCK)).scalar_one()
        words = (kind, action, who.kind, who.id, who.name, correlation_id)
        alike = b"".join((copying.integer(organization_id), *map(copying.text, words), copying.timestamptz(at)))
        rows = (copying.text(subject) + copying.jsonb(after) + alike for subject, after in begun)
        await copying.copy_rows(self._session, "audit_entries", ("subject_id", "after", *_ALIKE), rows)

    async def page(
        self, organization_id: int, *, kind: str | None, subject_id: str | None, before_id: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Newest first, older than `before_id`."""
        query = select(AuditEntry).where(AuditEntry.organization_id == organization_id)
        if kind is not None:
            query = query.where(AuditEntry.subject_kind == kind)
        if subject_id is not None:
            query = query.where(AuditEntry.subject_id == subject_id)
        if before_id is not None:
            query = query.where(col(AuditEntry.id) < before_id)
        return (await self._session.scalars(query.order_by(col(AuditEntry.id).desc()).limit(limit))).all()


def _json(state: Mapping[str, Any] | None) -> str | None:
    return None if state is None else to_json(state).decode()
