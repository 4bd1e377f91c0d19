"""Every query about update sessions. A transition is compare-and-set on state and version: a race has one winner."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, literal, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.sessions.models import COUNTERS, IS_OPEN, SessionReport, UpdateSession
from ota_service.sessions.states import SessionState

MOST_REFUSALS = 100
"""A device that repeats a refused report for ever fills no table."""


@dataclass(frozen=True)
class Issue:
    """The next counter, and the present moment by the database's clock."""

    counter: int
    at: datetime


class SessionStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def issue(self, device_uid: str) -> Issue:
        """For the next session of this device.

        Another one of it waits until this transaction ends, or else a process that stops between here and `add` could
        open a session later than another with a greater counter.
        """
        lock = func.hashtextextended(f"update_session/{device_uid}", 0)
        await self._session.execute(select(func.pg_advisory_xact_lock(lock)))
        row = (await self._session.execute(select(COUNTERS.next_value(), func.clock_timestamp()))).one()
        return Issue(row[0], row[1])

    async def now(self) -> datetime:
        """The database's clock."""
        return (await self._session.execute(select(func.clock_timestamp()))).scalar_one()

    async def add(self, session: UpdateSession) -> UpdateSession | None:
        """The stored session; None when the device has an open one."""
        query = (
            insert(UpdateSession)
            .values(session.model_dump())
            .on_conflict_do_nothing(index_elements=["device_uid"], index_where=IS_OPEN)
            .returning(UpdateSession)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def find(
        self, organization_id: int, session_id: UUID, *, device_uid: str | None = None
    ) -> UpdateSession | None:
        """The session as it is now; with `device_uid` only if it is that device's."""
        query = select(UpdateSession).where(
            UpdateSession.id == session_id, UpdateSession.organization_id == organization_id
        )
        if device_uid is not None:
            query = query.where(UpdateSession.device_uid == device_uid)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def of_action(self, action_id: int) -> UpdateSession | None:
        """The session that carries out this action, of whichever organization."""
        query = select(UpdateSession).where(UpdateSession.action_id == action_id)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def open_of(self, organization_id: int, device_uid: str) -> UpdateSession | None:
        query = select(UpdateSession).where(
            UpdateSession.device_uid == device_uid, UpdateSession.organization_id == organization_id, IS_OPEN
        )
        return (await self._session.scalars(query)).one_or_none()

    async def initiated_of(self, devices: Collection[tuple[int, str]]) -> Sequence[UpdateSession]:
        """Sessions that these devices, each with its organization, have not taken up yet."""
        query = select(UpdateSession).where(
            tuple_(col(UpdateSession.organization_id), col(UpdateSession.device_uid)).in_(devices),
            IS_OPEN,
            UpdateSession.state == SessionState.INITIATED,
        )
        return (await self._session.scalars(query)).all()

    async def page(
        self, organization_id: int, *, device_uid: str | None, state: SessionState | None, before: int, limit: int
    ) -> Sequence[UpdateSession]:
        """The newest first, beginning below the counter `before`."""
        query = select(UpdateSession).where(
            UpdateSession.organization_id == organization_id, col(UpdateSession.counter) < before
        )
        if device_uid is not None:
            query = query.where(UpdateSession.device_uid == device_uid)
        if state is not None:
            query = query.where(UpdateSession.state == state)
        return (await self._session.scalars(query.order_by(col(UpdateSession.counter).desc()).limit(limit))).all()

    async def move(
        self,
        seen: UpdateSession,
        target: SessionState,
        *,
        lasting: timedelta | None,
        progress: int | None,
        error: str | None,
    ) -> UpdateSession | None:
        """The session in its new state, which may last `lasting`; None when another was faster.

        One that stays in its state keeps its deadline.
        """
        ends_at = None if lasting is None else func.clock_timestamp() + lasting
        query = (
            update(UpdateSession)
            .where(
                col(UpdateSession.id) == seen.id,
                col(UpdateSession.state) == seen.state,
                col(UpdateSession.version) == seen.version,
            )
            .values(
                state=target,
                version=UpdateSession.version + 1,
                deadline=UpdateSession.deadline if target == seen.state else ends_at,
                progress=progress,
                error=error,
                updated_at=func.clock_timestamp(),
            )
            .returning(UpdateSession)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def time_out(self, limit: int) -> list[tuple[UpdateSession, SessionState]]:
        """Ends open sessions past their deadline, by the database's clock, and answers with what each of them was.

        Those that another worker or a report holds at this moment are left to it.
        """
        overdue = (
            select(UpdateSession.id, UpdateSession.state)
            .where(IS_OPEN, col(UpdateSession.deadline) < func.statement_timestamp())
            .order_by(col(UpdateSession.deadline))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        before = {row.id: SessionState(row.state) for row in await self._session.execute(overdue)}
        if not before:
            return []
        query = (
            update(UpdateSession)
            .where(col(UpdateSession.id).in_(before))
            .values(
                state=SessionState.TIMED_OUT,
                version=UpdateSession.version + 1,
                deadline=None,
                error=literal("the device did not report in time: it was ") + UpdateSession.state,
                updated_at=func.clock_timestamp(),
            )
            .returning(UpdateSession)
            .execution_options(synchronize_session=False)
        )
        return [(session, before[session.id]) for session in await self._session.scalars(query)]

    async def note(self, *reports: SessionReport) -> None:
        """Adds reports to the history."""
        values = [report.model_dump(exclude={"id", "at"}) for report in reports]
        if values:
            await self._session.execute(insert(SessionReport), values)

    async def note_refusal(self, report: SessionReport) -> None:
        """Adds a refused report, of which a session keeps about a hundred."""
        known = await self._session.scalar(
            select(func.count())
            .select_from(SessionReport)
            .where(SessionReport.session_id == report.session_id, col(SessionReport.accepted).is_(False))
        )
        if (known or 0) < MOST_REFUSALS:
            await self.note(report)

    async def reports(self, session_id: UUID) -> Sequence[SessionReport]:
        """The history of a session that was found before."""
        query = select(SessionReport).where(SessionReport.session_id == session_id)
        return (await self._session.scalars(query.order_by(col(SessionReport.id)))).all()
