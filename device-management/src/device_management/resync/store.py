"""Every query about resyncs, and about the devices they tell of."""

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import ColumnElement, func, insert, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.devices.models import Device
from device_management.resync.models import Resync


class ResyncStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(
        self, organization_id: int, *, everyone: bool, requested_by: str, total: int, up_to_id: int
    ) -> Resync:
        values = {
            "organization_id": organization_id,
            "everyone": everyone,
            "requested_by": requested_by,
            "total": total,
            "up_to_id": up_to_id,
            "after_id": 0,
            "done": 0,
        }
        return (await self._session.scalars(insert(Resync).values(values).returning(Resync))).one()

    async def find(self, organization_id: int, resync_id: int) -> Resync | None:
        query = select(Resync).where(Resync.organization_id == organization_id, Resync.id == resync_id)
        return (await self._session.scalars(query)).one_or_none()

    async def claim(self) -> Resync | None:
        """The running one that waited longest, locked until the transaction ends; None when other workers have all.

        Those that are put off are left out.
        """
        running = (col(Resync.completed_at).is_(None), col(Resync.stepped_at) <= func.clock_timestamp())
        query = select(Resync).where(*running).order_by(col(Resync.stepped_at)).limit(1)
        return (await self._session.scalars(query.with_for_update(skip_locked=True))).one_or_none()

    async def step(self, resync: Resync, *, after_id: int, told: int, ended: bool) -> None:
        """Writes down how far a claimed one has come, by the database's clock."""
        now = func.clock_timestamp()
        await self._session.execute(
            update(Resync)
            .where(col(Resync.id) == resync.id)
            .values(
                after_id=after_id,
                done=Resync.done + told,
                stepped_at=now,
                completed_at=now if ended else None,
            )
            .execution_options(synchronize_session=False)
        )

    async def put_off(self, resync_id: int, seconds: float) -> None:
        later = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        await self._session.execute(update(Resync).where(col(Resync.id) == resync_id).values(stepped_at=later))

    async def extent(self, organization_id: int | None) -> tuple[int, int]:
        """How many devices there are and the greatest id among them; None means of all organizations."""
        query = sqlalchemy.select(func.count(), func.max(Device.id)).where(_told(organization_id))
        count, greatest = (await self._session.execute(query)).one()
        return count, greatest or 0

    async def span(self, organization_id: int | None, *, after_id: int, up_to_id: int, limit: int) -> Sequence[Device]:
        """The next devices in the order of their ids; None means of all organizations."""
        query = select(Device).where(_told(organization_id), col(Device.id) > after_id, col(Device.id) <= up_to_id)
        return (await self._session.scalars(query.order_by(col(Device.id)).limit(limit))).all()


def _told(organization_id: int | None) -> ColumnElement[bool]:
    """The purged ones too: a copy that was restored learns that they are gone."""
    return true() if organization_id is None else col(Device.organization_id) == organization_id
