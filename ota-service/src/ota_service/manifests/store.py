"""Every query of manifests."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ota_service.manifests.models import COUNTERS

_ISSUE = text(
    f"""
    select array(select nextval('{COUNTERS.name}') from generate_series(1, :count) order by 1), clock_timestamp()
    """  # noqa: S608 - a name
)


@dataclass(frozen=True)
class Issue:
    """The next counters, growing, and the present moment by the database's clock."""

    counters: list[int]
    at: datetime


class ManifestStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def issue(self, count: int) -> Issue:
        """For the next `count` sessions."""
        return Issue(*(await self._session.execute(_ISSUE, {"count": count})).one())
