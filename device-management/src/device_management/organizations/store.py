"""Every query about organizations."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from device_management.organizations.models import Organization


class OrganizationStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, organization_id: int) -> Organization | None:
        return await self._session.get(Organization, organization_id)

    async def ensure(self, *, slug: str, name: str) -> Organization:
        """The organization of that slug, made if there is none; safe to call from many processes at once."""
        await self._session.execute(
            insert(Organization).values(slug=slug, name=name).on_conflict_do_nothing(index_elements=["slug"])
        )
        found = await self._session.scalars(select(Organization).where(Organization.slug == slug))
        return found.one()
