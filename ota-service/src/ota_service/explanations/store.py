"""What is known of one device in a release."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.batches.models import BatchDevice
from ota_service.fleet.models import FleetDevice, present_in
from ota_service.releases.models import Release, ReleaseCluster, ReleaseDevice
from ota_service.sessions.models import UpdateSession
from shared.rql.sql import searching


class ExplanationStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def last_release(self, organization_id: int, device_uid: str) -> Release | None:
        """The newest in which the device takes part."""
        query = (
            select(Release)
            .join(ReleaseDevice, col(ReleaseDevice.release_id) == Release.id)
            .where(Release.organization_id == organization_id, ReleaseDevice.device_uid == device_uid)
            .order_by(col(Release.id).desc())
            .limit(1)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def part(
        self, release: Release, device_uid: str
    ) -> tuple[int, BatchDevice | None, UpdateSession | None] | None:
        """Its cluster's id, its row in the cluster's batch and its last session there; None when it takes no part."""
        query = (
            sa.select(col(ReleaseDevice.cluster_id), BatchDevice, UpdateSession)
            .join(ReleaseCluster, col(ReleaseCluster.id) == ReleaseDevice.cluster_id)
            .outerjoin(
                BatchDevice,
                sa.and_(
                    col(BatchDevice.batch_id) == ReleaseCluster.batch_id,
                    col(BatchDevice.device_uid) == ReleaseDevice.device_uid,
                ),
            )
            .outerjoin(UpdateSession, col(UpdateSession.id) == BatchDevice.session_id)
            .where(col(ReleaseDevice.release_id) == release.id, col(ReleaseDevice.device_uid) == device_uid)
        )
        row = (await self._session.execute(query)).one_or_none()
        return None if row is None else (row[0], row[1], row[2])

    async def matches(self, organization_id: int, device_uid: str, where: Sequence[ColumnElement[bool]]) -> bool:
        """Whether these conditions hold of the device. Raises QueryTooSlow."""
        query = select(FleetDevice.device_uid).where(
            present_in(organization_id), FleetDevice.device_uid == device_uid, *where
        )
        async with searching(self._session):
            return (await self._session.scalars(query)).first() is not None

    async def last_session(self, organization_id: int, device_uid: str) -> UpdateSession | None:
        query = (
            select(UpdateSession)
            .where(UpdateSession.organization_id == organization_id, UpdateSession.device_uid == device_uid)
            .order_by(col(UpdateSession.counter).desc())
            .limit(1)
        )
        return (await self._session.scalars(query)).one_or_none()
