"""Every query about canaries. A verdict is given by compare-and-set: the first one counts."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.canaries.models import ReleaseCanary
from ota_service.canaries.states import CanaryVerdict


class CanaryStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, canary: ReleaseCanary) -> ReleaseCanary:
        self._session.add(canary)
        await self._session.flush()
        return canary

    async def standing(self, release_ids: Collection[int]) -> list[ReleaseCanary]:
        """At most one a wave."""
        query = select(ReleaseCanary).where(col(ReleaseCanary.release_id).in_(release_ids), col(ReleaseCanary.stands))
        return list((await self._session.scalars(query, execution_options={"populate_existing": True})).all())

    async def judge(
        self, organization_id: int, canary_id: int, verdict: CanaryVerdict, detail: str, figures: list[dict[str, Any]]
    ) -> bool:
        """False when it has a verdict, or is none of the organization's."""
        query = (
            update(ReleaseCanary)
            .where(
                col(ReleaseCanary.id) == canary_id,
                col(ReleaseCanary.organization_id) == organization_id,
                col(ReleaseCanary.verdict).is_(None),
            )
            .values(verdict=verdict, detail=detail, figures=figures, judged_at=func.clock_timestamp())
            .returning(col(ReleaseCanary.id))
            .execution_options(synchronize_session=False)
        )
        return (await self._session.execute(query)).one_or_none() is not None

    async def put(self, canary_ids: Collection[int], **values: bool) -> None:
        await self._session.execute(
            update(ReleaseCanary)
            .where(col(ReleaseCanary.id).in_(canary_ids))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
