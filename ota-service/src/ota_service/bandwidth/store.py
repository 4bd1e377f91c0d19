"""Every query about the bandwidth of sites. Time is the database's: any number of processes share a line."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Float, cast, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.bandwidth.models import SiteBandwidth
from ota_service.bandwidth.schemas import Reservation

_PARTS_OF_A_SECOND = 4
"""A fast line is reserved by the quarter of a second, so that it costs four statements a second and not hundreds."""


class BandwidthStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, organization_id: int, site_id: int) -> SiteBandwidth | None:
        query = select(SiteBandwidth).where(
            SiteBandwidth.organization_id == organization_id, SiteBandwidth.site_id == site_id
        )
        return (await self._session.scalars(query)).one_or_none()

    async def all(self, organization_id: int, *, after: int, limit: int) -> Sequence[SiteBandwidth]:
        query = select(SiteBandwidth).where(
            SiteBandwidth.organization_id == organization_id, col(SiteBandwidth.site_id) > after
        )
        return (await self._session.scalars(query.order_by(col(SiteBandwidth.site_id)).limit(limit))).all()

    async def put(self, organization_id: int, site_id: int, bytes_per_second: int, by: str) -> SiteBandwidth:
        values = {"bytes_per_second": bytes_per_second, "changed_by": by}
        query = (
            insert(SiteBandwidth)
            .values(organization_id=organization_id, site_id=site_id, **values)
            .on_conflict_do_update(
                index_elements=["organization_id", "site_id"], set_=values | {"changed_at": func.clock_timestamp()}
            )
            .returning(SiteBandwidth)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def remove(self, organization_id: int, site_id: int) -> None:
        await self._session.execute(
            delete(SiteBandwidth).where(
                col(SiteBandwidth.organization_id) == organization_id, col(SiteBandwidth.site_id) == site_id
            )
        )

    async def backlog(self, organization_id: int, site_id: int) -> float | None:
        """Seconds until the line is free, 0 when it is; None for a site without a limit."""
        ahead = func.extract("epoch", SiteBandwidth.free_at - func.clock_timestamp())
        query = select(func.greatest(cast(ahead, Float), 0.0)).where(
            SiteBandwidth.organization_id == organization_id, SiteBandwidth.site_id == site_id
        )
        return await self._session.scalar(query)

    async def reserve(self, organization_id: int, site_id: int, size: int) -> Reservation | None:
        """Time on the line for at least `size` bytes, after all that others have; None for a site without a limit."""
        granted = func.greatest(size, cast(SiteBandwidth.bytes_per_second / _PARTS_OF_A_SECOND, BigInteger))
        lasting = cast(granted, Float) / cast(SiteBandwidth.bytes_per_second, Float)
        begins = func.greatest(SiteBandwidth.free_at, func.clock_timestamp())
        ahead = func.extract("epoch", SiteBandwidth.free_at - func.clock_timestamp())
        query = (
            update(SiteBandwidth)
            .where(col(SiteBandwidth.organization_id) == organization_id, col(SiteBandwidth.site_id) == site_id)
            .values(free_at=begins + func.make_interval(0, 0, 0, 0, 0, 0, lasting))
            .returning(granted, func.greatest(cast(ahead, Float) - lasting, 0.0))
            .execution_options(synchronize_session=False)
        )
        row = (await self._session.execute(query)).one_or_none()
        return None if row is None else Reservation(row[0], row[1])
