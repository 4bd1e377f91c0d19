"""Every query about imports and their rows. What a tenant asks takes the organization; `take` is the workers' own."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.audit.schemas import Actor
from device_management.imports.models import Import, ImportRow, Row
from device_management.imports.schemas import ImportOrder
from device_management.imports.states import OPEN, ImportState

_ADD_ROWS = text(
    """
    insert into import_rows (import_id, number, line, device_uid, document, code, error)
    select :import_id, :first + place, line, device_uid, document, code, error
    from unnest(
        cast(:lines as int[]), cast(:uids as text[]), cast(:documents as text[]), cast(:codes as text[]),
        cast(:errors as text[])
    ) with ordinality as row(line, device_uid, document, code, error, place)
    """
)

_MARK_REPEATED = text(
    """
    update import_rows as again
    set document = null, code = 'device_uid_repeated', error = 'the uid is on line ' || first.line || ' already'
    from (
        select ctid, first_value(line) over same_uid as line, row_number() over same_uid as place
        from import_rows
        where import_id = :import_id and document is not null and device_uid is not null
        window same_uid as (partition by device_uid order by number)
    ) as first
    where again.ctid = first.ctid and first.place > 1
    """
)
"""By where the rows lie, which is this transaction's alone to know. Joined by their key, each of them is compared with
all the others whenever the statistics are of other imports: the database then takes the new one for empty.
"""

_REFUSE = text(
    """
    update import_rows as row
    set document = null, code = refused.code, error = refused.error
    from unnest(cast(:numbers as int[]), cast(:codes as text[]), cast(:errors as text[]))
        as refused(number, code, error)
    where row.import_id = :import_id and row.number = refused.number
    """
)


class ImportStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, organization_id: int, order: ImportOrder, by: Actor) -> Import:
        query = insert(Import).values(
            organization_id=organization_id,
            filename=order.filename,
            format=order.format,
            policy=order.policy,
            actor_kind=by.kind,
            actor_id=by.id,
            actor_name=by.name,
        )
        return (await self._session.scalars(query.returning(Import))).one()

    async def set_total(self, job: Import, total: int) -> Import:
        query = update(Import).where(col(Import.id) == job.id).values(total=total).returning(Import)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one()

    async def add_rows(self, job: Import, rows: Sequence[Row], *, first: int) -> None:
        """Rows `first + 1` and on, thousands in one statement."""
        await self._session.execute(
            _ADD_ROWS,
            {
                "import_id": job.id,
                "first": first,
                "lines": [row.line for row in rows],
                "uids": [_uid(row.device) for row in rows],
                "documents": [None if row.device is None else json.dumps(row.device) for row in rows],
                "codes": [None if row.error is None else "unreadable_row" for row in rows],
                "errors": [row.error for row in rows],
            },
        )

    async def mark_repeated(self, job: Import) -> None:
        """Of rows with one uid the first counts, and the others are refused."""
        await self._session.execute(_MARK_REPEATED, {"import_id": job.id})

    async def count_open(self, organization_id: int) -> int:
        """Other transactions that open an import of the organization wait until this one ends."""
        await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtext("imports"), organization_id)))
        query = select(func.count(col(Import.id))).where(
            Import.organization_id == organization_id, col(Import.state).in_(OPEN)
        )
        return (await self._session.scalars(query)).one()

    async def find(self, organization_id: int, import_id: int) -> Import | None:
        query = select(Import).where(Import.id == import_id, Import.organization_id == organization_id)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def page(self, organization_id: int, *, before_id: int | None, limit: int) -> Sequence[Import]:
        """Newest first."""
        query = select(Import).where(Import.organization_id == organization_id)
        if before_id is not None:
            query = query.where(col(Import.id) < before_id)
        return (await self._session.scalars(query.order_by(col(Import.id).desc()).limit(limit))).all()

    async def refused(self, job: Import, *, after: int, limit: int) -> Sequence[ImportRow]:
        query = select(ImportRow).where(
            ImportRow.import_id == job.id, col(ImportRow.error).is_not(None), col(ImportRow.number) > after
        )
        return (await self._session.scalars(query.order_by(col(ImportRow.number)).limit(limit))).all()

    async def cancel(self, organization_id: int, import_id: int) -> Import | None:
        """Waits for the chunk under way. None when there is none that is open."""
        query = (
            update(Import)
            .where(
                col(Import.id) == import_id, col(Import.organization_id) == organization_id, col(Import.state).in_(OPEN)
            )
            .values(state=ImportState.CANCELLED, finished_at=func.now())
            .returning(Import)
            .execution_options(populate_existing=True)
        )
        cancelled = (await self._session.scalars(query)).one_or_none()
        if cancelled is not None:
            await self._forget_waiting(cancelled)
        return cancelled

    async def take(self) -> Import | None:
        """The oldest open import that no other worker has; it is this transaction's until its end."""
        query = (
            select(Import)
            .where(col(Import.state).in_(OPEN), col(Import.next_attempt_at) <= func.now())
            .order_by(col(Import.id))
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def rows(self, job: Import, *, limit: int) -> Sequence[ImportRow]:
        query = select(ImportRow).where(ImportRow.import_id == job.id, col(ImportRow.number) > job.done_to)
        return (await self._session.scalars(query.order_by(col(ImportRow.number)).limit(limit))).all()

    async def refuse(self, job: Import, refused: Mapping[int, tuple[str, str]]) -> None:
        """Keeps rows by number with code and error."""
        await self._session.execute(
            _REFUSE,
            {
                "import_id": job.id,
                "numbers": list(refused),
                "codes": [code for code, _ in refused.values()],
                "errors": [error for _, error in refused.values()],
            },
        )

    async def advance(self, job: Import, *, done_to: int, counts: Mapping[str, int], over: bool) -> None:
        """The rows up to `done_to` are done: those not refused go."""
        await self._session.execute(
            delete(ImportRow).where(
                col(ImportRow.import_id) == job.id, col(ImportRow.number) <= done_to, col(ImportRow.error).is_(None)
            )
        )
        values: dict[str, Any] = {name: getattr(Import, name) + count for name, count in counts.items()}
        ending: dict[str, Any] = {"state": ImportState.COMPLETED, "finished_at": func.now()} if over else {}
        await self._session.execute(
            update(Import)
            .where(col(Import.id) == job.id)
            .values(done_to=done_to, failures=0, error=None, state=ImportState.RUNNING)
            .values(**values)
            .values(**ending)
        )

    async def note_failure(self, import_id: int, error: str, *, at_most: int, delay: timedelta) -> None:
        """The chunk will be tried again after `delay`; after `at_most` failures in a row the import is failed."""
        job = (
            await self._session.scalars(
                update(Import)
                .where(col(Import.id) == import_id, col(Import.state).in_(OPEN))
                .values(failures=Import.failures + 1, next_attempt_at=func.now() + delay, error=error)
                .returning(Import)
                .execution_options(populate_existing=True)
            )
        ).one_or_none()
        if job is not None and job.failures >= at_most:
            await self._session.execute(
                update(Import)
                .where(col(Import.id) == import_id)
                .values(state=ImportState.FAILED, finished_at=func.now())
            )
            await self._forget_waiting(job)

    async def forget_finished(self, before: timedelta) -> None:
        await self._session.execute(delete(Import).where(col(Import.finished_at) < func.now() - before))

    async def _forget_waiting(self, job: Import) -> None:
        await self._session.execute(
            delete(ImportRow).where(col(ImportRow.import_id) == job.id, col(ImportRow.error).is_(None))
        )


def _uid(device: Mapping[str, Any] | None) -> str | None:
    """To find repeated ones and to name a refused row; what is no uid says nothing."""
    uid = None if device is None else device.get("device_uid")
    return uid if isinstance(uid, str) and uid.isprintable() else None
