"""Every query that carries batches on. A step works on one batch, whose row it has locked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, literal, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ota_service.batch_runs.schemas import Change, Turn
from ota_service.batches.models import BatchDevice, UpdateBatch
from ota_service.batches.schemas import Moved
from ota_service.batches.states import DeviceState
from ota_service.sessions.models import IS_AWAITED, UpdateSession

_NOW = func.clock_timestamp()

_LOOKED_AT = 1_000
"""Ended sessions among which batches with news are found."""

_TURNS = """
    select device_uid, firmware_ids, wait_until, site_id, next_at from batch_devices
    where batch_id = :batch_id and state = 'pending' and next_at <= :now
"""

_ALL = f"{_TURNS} order by next_at, device_uid limit :limit"

_PER_SITE = f"""
    select turn.* from (
        select site_id from batch_devices
        where batch_id = :batch_id and state = 'pending' and site_id is not null group by site_id
    ) as waiting
    left join (
        select site_id, count(*) as devices from batch_devices
        where batch_id = :batch_id and state = 'initiated' and site_id is not null group by site_id
    ) as busy using (site_id)
    cross join lateral (
        {_TURNS} and site_id = waiting.site_id
        order by next_at, device_uid limit greatest(:per_site - coalesce(busy.devices, 0), 0)
    ) as turn
    union all
    (select * from ({_TURNS} and site_id is null order by next_at, device_uid limit :limit) as turn)
    limit :limit
"""  # noqa: S608 - constants

_APPLY = text(
    """
    with changed as (
        update batch_devices as device
        set state = change.state, reason = change.reason, detail = change.detail,
            session_id = coalesce(change.session_id, device.session_id),
            attempts = device.attempts + (change.session_id is not null)::int,
            next_at = coalesce(change.next_at, device.next_at), wait_until = change.wait_until,
            updated_at = clock_timestamp()
        from unnest(
            cast(:uids as text[]), cast(:states as text[]), cast(:reasons as text[]), cast(:details as text[]),
            cast(:session_ids as uuid[]), cast(:next_at as timestamptz[]), cast(:wait_until as timestamptz[])
        ) as change (device_uid, state, reason, detail, session_id, next_at, wait_until)
        where device.batch_id = :batch_id and device.device_uid = change.device_uid and device.state = :present
        returning device.state
    )
    select state, count(*) from changed group by state
    """
)


class BatchRunStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def now(self) -> datetime:
        """The database's clock."""
        return (await self._session.execute(select(_NOW))).scalar_one()

    async def take(self) -> UpdateBatch | None:
        """The batch that waits longest of those that are due or whose sessions have ended, locked.

        Those of other workers are left to them, and those that are put off.
        """
        with_news = select(col(UpdateSession.batch_id)).where(IS_AWAITED).limit(_LOOKED_AT)
        query = (
            select(UpdateBatch)
            .where(
                col(UpdateBatch.stepped_at) <= _NOW,
                or_(col(UpdateBatch.next_step_at) <= _NOW, col(UpdateBatch.id).in_(with_news)),
            )
            .order_by(col(UpdateBatch.stepped_at))
            .limit(1)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def put_off(self, batch_id: int, lasting: timedelta) -> None:
        """Nobody takes it for so long."""
        query = update(UpdateBatch).where(col(UpdateBatch.id) == batch_id).values(stepped_at=_NOW + lasting)
        await self._session.execute(query.execution_options(synchronize_session=False))

    async def turns(self, batch: UpdateBatch, *, now: datetime, limit: int) -> list[Turn]:
        """The next pending devices whose turn it is, of each site no more than it has room for."""
        chosen = _ALL if batch.per_site is None else _PER_SITE
        query = text(
            f"""
            select turn.device_uid, turn.firmware_ids, turn.wait_until, fleet.attributes ->> 'time_zone'
            from ({chosen}) as turn left join fleet_devices as fleet using (device_uid)
            """  # noqa: S608 - constants
        )
        names = {"batch_id": batch.id, "now": now, "limit": limit}
        if batch.per_site is not None:
            names["per_site"] = batch.per_site
        return [
            Turn(uid, firmware_ids and tuple(firmware_ids), wait_until, time_zone)
            for uid, firmware_ids, wait_until, time_zone in await self._session.execute(query, names)
        ]

    async def next_turn(self, batch: UpdateBatch, *, after: datetime) -> datetime | None:
        """When the next turn of a pending device comes, of those after that moment."""
        query = select(func.min(BatchDevice.next_at)).where(
            col(BatchDevice.batch_id) == batch.id,
            col(BatchDevice.state) == DeviceState.PENDING,
            col(BatchDevice.next_at) > after,
        )
        return (await self._session.execute(query)).scalar_one()

    async def wait_until(self, batch: UpdateBatch, uids: Sequence[str]) -> dict[str, datetime | None]:
        """Until when these devices of the batch wait for another turn."""
        query = select(col(BatchDevice.device_uid), col(BatchDevice.wait_until)).where(
            col(BatchDevice.batch_id) == batch.id, col(BatchDevice.device_uid).in_(uids)
        )
        return {row.device_uid: row.wait_until for row in await self._session.execute(query)}

    async def apply(self, batch: UpdateBatch, present: DeviceState, changes: Sequence[Change]) -> Moved:
        """Changes devices that are in one state, in one statement; uids differ."""
        if not changes:
            return Moved()
        rows = await self._session.execute(
            _APPLY,
            {
                "batch_id": batch.id,
                "present": present,
                "uids": [change.device_uid for change in changes],
                "states": [str(change.state) for change in changes],
                "reasons": [change.reason for change in changes],
                "details": [change.detail for change in changes],
                "session_ids": [change.session_id for change in changes],
                "next_at": [change.next_at for change in changes],
                "wait_until": [change.wait_until for change in changes],
            },
        )
        moved = Moved({DeviceState(state): count for state, count in rows})
        moved[present] -= moved.total()
        return moved

    async def to_call_off(self, batch: UpdateBatch, limit: int) -> list[UUID]:
        """Sessions of a batch that was cancelled which have not been cancelled yet; they count as asked from now on."""
        waiting = (
            col(BatchDevice.batch_id) == batch.id,
            col(BatchDevice.state) == DeviceState.INITIATED,
            col(BatchDevice.reason).is_(None),
        )
        uid = col(BatchDevice.device_uid)
        some = select(uid).where(*waiting).order_by(uid).limit(limit).subquery()
        # Up to the last of them, and not by a join: of a batch that has just grown the statistics know nothing yet, and
        # PostgreSQL would compare each of its devices with each of these.
        query = (
            update(BatchDevice)
            .where(*waiting, uid <= select(func.max(some.c.device_uid)).scalar_subquery())
            .values(reason=literal("cancelling"), updated_at=_NOW)
            .returning(col(BatchDevice.session_id))
            .execution_options(synchronize_session=False)
        )
        return [session_id for session_id in await self._session.scalars(query) if session_id is not None]
