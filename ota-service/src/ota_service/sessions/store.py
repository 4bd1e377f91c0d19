"""Every query about update sessions. A transition is compare-and-set on state and version: a race has one winner."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import ARRAY, ColumnElement, Select, Text, and_, case, cast, exists, func, literal, text, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.fleet.models import FleetDevice
from ota_service.presence.models import DevicePresence
from ota_service.sessions.models import (
    IS_AWAITED,
    IS_OPEN,
    IS_SOAKING,
    SESSION_FIELDS,
    NewPart,
    NewReport,
    NewSession,
    Session,
    SessionReport,
    UpdateSession,
    UpdateSessionPart,
)
from ota_service.sessions.schemas import EndedSession
from ota_service.sessions.states import BEGUN, OPEN, WAITING, SessionState

Change = tuple[Session, SessionState | None]
"""A session as it is now, and what it was; None for one that was just opened."""

_IDS = select(UpdateSession.id, UpdateSession.state)
_SOAK = func.make_interval(0, 0, 0, 0, 0, 0, UpdateSession.soak_s)

MOST_REFUSALS = 100
"""A device that repeats a refused report for ever fills no table."""


_SESSION = ", ".join(SESSION_FIELDS)
_PART = ", ".join(one.name for one in fields(NewPart))
_REPORT = ", ".join(one.name for one in fields(NewReport))

_ADD = text(
    f"""
    insert into update_sessions ({_SESSION})
    select {_SESSION} from jsonb_populate_recordset(null::update_sessions, cast(:rows as jsonb))
    """  # noqa: S608 - columns
)

_ADD_PARTS = text(
    f"""
    insert into update_session_parts ({_PART})
    select {_PART} from jsonb_populate_recordset(null::update_session_parts, cast(:rows as jsonb))
    """  # noqa: S608 - columns
)

_NOTE = text(
    f"""
    insert into session_reports ({_REPORT})
    select {_REPORT} from jsonb_populate_recordset(null::session_reports, cast(:rows as jsonb))
    """  # noqa: S608 - columns
)


_MOVE = text(
    f"""
    with moved as (
        update update_sessions
        set state = :target,
            resumes = case when :stopping then state else resumes end,
            version = version + :changes,
            deadline = case when :keeps then deadline else clock_timestamp() + cast(:lasting as interval) end,
            progress = :progress,
            error = :error,
            confirmed_at = case when :confirmed then clock_timestamp() else confirmed_at end,
            updated_at = clock_timestamp()
        where id = :id and state = :seen and version = :version
        returning {_SESSION}
    ), noted as (
        insert into session_reports ({_REPORT})
        select {_REPORT} from jsonb_populate_recordset(null::session_reports, cast(:reports as jsonb))
        where exists (select from moved)
    )
    select {_SESSION} from moved
    """  # noqa: S608 - columns
)


class SessionStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, sessions: Sequence[NewSession], parts: Sequence[NewPart]) -> None:
        """In two statements. None of their devices may have an open one: `open_devices` tells while they are locked."""
        if sessions:
            await self._session.execute(_ADD, {"rows": _rows(sessions)})
            await self._session.execute(_ADD_PARTS, {"rows": _rows(parts)})

    async def parts(self, session_ids: Collection[UUID]) -> Mapping[UUID, Sequence[UpdateSessionPart]]:
        """The parts of sessions that were found before, in their order."""
        query = select(UpdateSessionPart).where(col(UpdateSessionPart.session_id).in_(session_ids))
        found: defaultdict[UUID, list[UpdateSessionPart]] = defaultdict(list)
        for part in await self._session.scalars(query.order_by(col(UpdateSessionPart.position))):
            found[part.session_id].append(part)
        return found

    async def open_devices(self, organization_id: int, uids: Collection[str]) -> set[str]:
        """Those of the devices that have an open session."""
        query = select(UpdateSession.device_uid).where(
            col(UpdateSession.device_uid) == func.any(cast(list(uids), ARRAY(Text))),
            UpdateSession.organization_id == organization_id,
            IS_OPEN,
        )
        return set((await self._session.scalars(query)).all())

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

    async def open_of(self, organization_id: int, device_uid: str) -> UpdateSession | None:
        query = select(UpdateSession).where(
            UpdateSession.device_uid == device_uid, UpdateSession.organization_id == organization_id, IS_OPEN
        )
        return (await self._session.scalars(query)).one_or_none()

    async def waiting_of(self, devices: Collection[tuple[int, str]]) -> Sequence[UpdateSession]:
        """Sessions of these devices, each with its organization, that wait for the device to begin or to stop."""
        query = select(UpdateSession).where(
            tuple_(col(UpdateSession.organization_id), col(UpdateSession.device_uid)).in_(devices),
            IS_OPEN,
            col(UpdateSession.state).in_(WAITING | {SessionState.CANCELLING}),
        )
        return (await self._session.scalars(query)).all()

    async def newest_of(self, uids: Collection[str]) -> Sequence[UpdateSession]:
        """The newest session of each of these devices, of whichever organization, that has had one."""
        query = (
            select(UpdateSession)
            .where(col(UpdateSession.device_uid).in_(uids))
            .ext(distinct_on(col(UpdateSession.device_uid)))
            .order_by(col(UpdateSession.device_uid), col(UpdateSession.counter).desc())
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
        seen: Session,
        target: SessionState,
        *,
        lasting: timedelta | None,
        progress: int | None,
        error: str | None,
        reports: Sequence[NewReport],
        confirmed: bool = False,
    ) -> NewSession | None:
        """The session in its new state, which may last `lasting`; None: another was faster, and nothing has changed.

        In one statement with what its history keeps: one of the `reports` for each change. One that stays in its state,
        or gets its consent, keeps its deadline. `confirmed`: the device itself has said that it runs the new version.
        """
        values = {
            "id": seen.id,
            "seen": seen.state,
            "version": seen.version,
            "changes": len(reports),
            "target": target,
            "stopping": target == SessionState.CANCELLING,
            "keeps": lasting is not None and seen.state in {target, SessionState.HELD},
            "lasting": lasting,
            "progress": progress,
            "error": error,
            "confirmed": confirmed,
            "reports": _rows(reports),
        }
        row = (await self._session.execute(_MOVE, values)).mappings().one_or_none()
        return None if row is None else NewSession(**row)

    async def time_out(self, limit: int) -> list[Change]:
        """Ends open sessions past their deadline, by the database's clock.

        Those that another worker or a report holds at this moment are left to it.
        """
        overdue = (
            _IDS.where(IS_OPEN, col(UpdateSession.deadline) < func.statement_timestamp())
            .order_by(col(UpdateSession.deadline))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        stopping = col(UpdateSession.state) == SessionState.CANCELLING
        return await self._move_all(
            overdue,
            state=case((stopping, SessionState.CANCELLED), else_=SessionState.TIMED_OUT),
            deadline=None,
            error=_overdue(),
        )

    async def cancel(
        self, organization_id: int, session_ids: Collection[UUID], *, stopping: timedelta, force: bool
    ) -> list[Change]:
        """Cancels those that are open; devices that have begun may take `stopping` to stop, unless `force`.

        Locked in the order of their ids, so that two never wait in a circle.
        """
        ends = frozenset(OPEN if force else WAITING)
        open_ones = (
            _IDS.where(
                col(UpdateSession.id).in_(session_ids),
                UpdateSession.organization_id == organization_id,
                col(UpdateSession.state).in_(ends | BEGUN),
            )
            .order_by(col(UpdateSession.id))
            .with_for_update()
        )
        at_once = col(UpdateSession.state).in_(ends)
        return await self._move_all(
            open_ones,
            state=case((at_once, SessionState.CANCELLED), else_=SessionState.CANCELLING),
            resumes=case((at_once, col(UpdateSession.resumes)), else_=col(UpdateSession.state)),
            deadline=case((at_once, None), else_=func.clock_timestamp() + stopping),
        )

    async def confirm_reported(self, limit: int) -> list[Change]:
        """Those with a soak whose devices have reported the new version elsewhere are confirmed."""
        reported = (
            _IDS.join(FleetDevice, col(FleetDevice.device_uid) == col(UpdateSession.device_uid))
            .where(
                IS_SOAKING,
                col(UpdateSession.confirmed_at).is_(None),
                FleetDevice.organization_id == UpdateSession.organization_id,
                FleetDevice.reported_firmware_version == UpdateSession.firmware_version,
            )
            .limit(limit)
            .with_for_update(of=UpdateSession, skip_locked=True)
        )
        return await self._move_all(reported, confirmed_at=func.clock_timestamp())

    async def end_soaks(self, limit: int) -> list[Change]:
        """Completes those whose devices were connected for the whole of their soak, after they had confirmed."""
        soaked = (
            _IDS.join(DevicePresence, col(DevicePresence.device_uid) == col(UpdateSession.device_uid))
            .where(
                IS_SOAKING,
                _soak_is_over(),
                DevicePresence.organization_id == UpdateSession.organization_id,
                col(DevicePresence.online),
                col(DevicePresence.heard_at) + _SOAK <= func.statement_timestamp(),
            )
            .order_by(col(UpdateSession.confirmed_at))
            .limit(limit)
            .with_for_update(of=UpdateSession, skip_locked=True)
        )
        return await self._move_all(soaked, state=literal(SessionState.COMPLETED), deadline=None, progress=100)

    async def end_soak_of(self, organization_id: int, device_uid: str) -> list[Change]:
        """The same for a device that never was on the broker and gives a sign of life now."""
        never = ~exists().where(col(DevicePresence.device_uid) == col(UpdateSession.device_uid))
        soaked = _IDS.where(
            IS_SOAKING,
            _soak_is_over(),
            UpdateSession.organization_id == organization_id,
            UpdateSession.device_uid == device_uid,
            never,
        ).with_for_update(skip_locked=True)
        return await self._move_all(soaked, state=literal(SessionState.COMPLETED), deadline=None, progress=100)

    async def _move_all(self, ids: Select[UUID, str], **values: Any) -> list[Change]:
        """Those that `ids` locks, with these values."""
        before = {row.id: SessionState(row.state) for row in await self._session.execute(ids)}
        if not before:
            return []
        query = (
            update(UpdateSession)
            .where(col(UpdateSession.id).in_(before))
            .values(version=UpdateSession.version + 1, updated_at=func.clock_timestamp(), **values)
            .returning(UpdateSession)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        return [(session, before[session.id]) for session in await self._session.scalars(query)]

    async def hear_ended(self, batch_id: int, limit: int) -> list[EndedSession]:
        """Those that ended since the batch heard of any; it has heard of them once the transaction is committed."""
        news = (
            select(UpdateSession.id)
            .where(IS_AWAITED, UpdateSession.batch_id == batch_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        query = (
            update(UpdateSession)
            .where(col(UpdateSession.id).in_(news))
            .values(awaited=False)
            .returning(
                col(UpdateSession.id),
                col(UpdateSession.device_uid),
                col(UpdateSession.state),
                col(UpdateSession.error),
            )
            .execution_options(synchronize_session=False)
        )
        rows = (await self._session.execute(query)).all()
        return [EndedSession(session_id, uid, SessionState(state), error) for session_id, uid, state, error in rows]

    async def keep(self, changes: Sequence[Change], by: str) -> None:
        """Adds what sessions have become to the history."""
        if changes:
            reports = [
                NewReport.of(session, by, SessionState(session.state), before=before) for session, before in changes
            ]
            await self._session.execute(_NOTE, {"rows": _rows(reports)})

    async def note_refusal(self, report: NewReport) -> None:
        """Adds a refused report, of which a session keeps about a hundred."""
        known = await self._session.scalar(
            select(func.count())
            .select_from(SessionReport)
            .where(SessionReport.session_id == report.session_id, col(SessionReport.accepted).is_(False))
        )
        if (known or 0) < MOST_REFUSALS:
            await self._session.execute(_NOTE, {"rows": _rows([report])})

    async def reports(self, session_id: UUID) -> Sequence[SessionReport]:
        """The history of a session that was found before."""
        query = select(SessionReport).where(SessionReport.session_id == session_id)
        return (await self._session.scalars(query.order_by(col(SessionReport.id)))).all()


def _rows(rows: Sequence[NewSession | NewPart | NewReport]) -> str:
    return to_json(rows).decode()


def _soak_is_over() -> ColumnElement[bool]:
    return col(UpdateSession.confirmed_at) + _SOAK <= func.statement_timestamp()


def _overdue() -> ColumnElement[str]:
    """What a session's device has failed to do in time."""
    soaking, state = col(UpdateSession.soak_s).is_not(None), col(UpdateSession.state)
    flashed = and_(state == SessionState.FLASHED, soaking)
    return case(
        (state == SessionState.CANCELLING, "the device did not say that it has stopped"),
        (state == SessionState.HELD, "nobody has confirmed it"),
        (
            and_(flashed, col(UpdateSession.confirmed_at).is_(None)),
            literal("the device did not report that it runs ") + UpdateSession.firmware_version,
        ),
        (
            flashed,
            literal("the device did not stay connected for ") + cast(UpdateSession.soak_s, Text) + literal(" s"),
        ),
        else_=literal("the device did not report in time: it was ") + state,
    )
