"""Every query with which releases go on. A release that was taken is locked until the transaction ends."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, cast, func, or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.batches.models import UpdateBatch
from ota_service.batches.states import ENDED
from ota_service.releases.models import Release, ReleaseCluster, ReleaseDevice, ReleaseWave
from ota_service.releases.states import STEPPED, ReleaseState

_NOW = func.clock_timestamp()


class WaveStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take(self) -> Release | None:
        """The release that has waited longest to go on, locked; those of other workers are left to them."""
        due = or_(col(Release.state) != ReleaseState.SCHEDULED, col(Release.start_at) <= _NOW)
        query = (
            select(Release)
            .where(col(Release.state).in_(STEPPED), Release.stepped_at < _NOW, due)
            .order_by(col(Release.stepped_at))
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def behind(self, limit: int) -> Sequence[Release]:
        """The running releases that have waited longest to go on, not locked: what is seen of them may be past."""
        query = (
            select(Release)
            .where(Release.state == ReleaseState.RUNNING, col(Release.stepped_at) < _NOW)
            .order_by(col(Release.stepped_at))
            .limit(limit)
        )
        return (await self._session.scalars(query.execution_options(populate_existing=True))).all()

    async def now(self) -> datetime:
        """The database's clock."""
        return (await self._session.execute(select(_NOW))).scalar_one()

    async def step_again_in(self, release_ids: Sequence[int], seconds: float) -> None:
        """But for those that other workers have taken."""
        later = _NOW + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        free = select(Release.id).where(col(Release.id).in_(release_ids)).with_for_update(skip_locked=True)
        await self._session.execute(
            update(Release)
            .where(col(Release.id).in_(free))
            .values(stepped_at=later)
            .execution_options(synchronize_session=False)
        )

    async def open_to_all(self, organization_id: int) -> Sequence[int]:
        """The running releases that who comes later joins."""
        query = select(Release.id).where(
            Release.organization_id == organization_id,
            Release.state == ReleaseState.RUNNING,
            col(Release.document)["join_late"].as_boolean(),
        )
        return [release_id for release_id in await self._session.scalars(query.order_by(col(Release.id))) if release_id]

    async def strangers(self, release_id: int, uids: Sequence[str]) -> Sequence[str]:
        """Those of these devices that do not take part."""
        query = select(ReleaseDevice.device_uid).where(
            ReleaseDevice.release_id == release_id, col(ReleaseDevice.device_uid).in_(uids)
        )
        known = set((await self._session.scalars(query)).all())
        return [uid for uid in uids if uid not in known]

    async def lock_running(self, release_id: int) -> Release | None:
        """Unless it does not run any more."""
        query = (
            select(Release)
            .where(Release.id == release_id, Release.state == ReleaseState.RUNNING)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def mark(self, row: Release | ReleaseWave | ReleaseCluster, **values: Any) -> None:
        """Changes a row of the release that was taken."""
        for name, value in values.items():
            setattr(row, name, value)
        await self._session.flush()

    async def has_ended(self, batch_ids: Sequence[int | None]) -> bool:
        """Whether none of these batches goes on any more."""
        query = select(UpdateBatch.id).where(
            col(UpdateBatch.id).in_([batch_id for batch_id in batch_ids if batch_id is not None]),
            col(UpdateBatch.state).not_in(ENDED),
        )
        return (await self._session.scalars(query.limit(1))).first() is None

    async def waiting(self, cluster: ReleaseCluster, limit: int) -> Sequence[str]:
        """Devices that its batch does not have yet."""
        query = (
            select(ReleaseDevice.device_uid)
            .where(ReleaseDevice.cluster_id == cluster.id, col(ReleaseDevice.handed_at).is_(None))
            .order_by(col(ReleaseDevice.device_uid))
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()

    async def handed(self, cluster: ReleaseCluster, uids: Sequence[str], batch_id: int) -> None:
        """Its batch has these devices now."""
        await self._session.execute(
            update(ReleaseDevice)
            .where(
                col(ReleaseDevice.release_id) == cluster.release_id,
                col(ReleaseDevice.device_uid) == func.any(cast(list(uids), ARRAY(Text))),
            )
            .values(handed_at=_NOW)
            .execution_options(synchronize_session=False)
        )
        await self.mark(cluster, batch_id=batch_id, handed=cluster.handed + len(uids))
