"""Every query about organizations."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.organizations.models import Organization


class OrganizationStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, organization_id: int) -> Organization | None:
        return await self._session.get(Organization, organization_id)

    async def find_to_change(self, organization_id: int) -> Organization | None:
        """As it is now, held against other changes until the transaction ends. Rows may still refer to it meanwhile."""
        return await self._locked(organization_id, read=False)

    async def find_to_stay(self, organization_id: int) -> Organization | None:
        """As it is now and stays until the transaction ends; any number may hold it so at once."""
        return await self._locked(organization_id, read=True)

    async def page(self, *, after_id: int, limit: int) -> Sequence[Organization]:
        query = select(Organization).where(col(Organization.id) > after_id).order_by(col(Organization.id)).limit(limit)
        return (await self._session.scalars(query)).all()

    async def all_of(self, organization_id: int | None) -> Sequence[Organization]:
        """The one, or all of them, in the order of their ids."""
        query = select(Organization).order_by(col(Organization.id))
        if organization_id is not None:
            query = query.where(Organization.id == organization_id)
        return (await self._session.scalars(query)).all()

    async def add(self, organization: Organization) -> Organization | None:
        """The stored organization, or None when its slug is taken."""
        values = organization.model_dump(exclude={"id", "created_at", "updated_at"})
        query = insert(Organization).values(values).on_conflict_do_nothing(index_elements=["slug"])
        return (await self._session.scalars(query.returning(Organization))).one_or_none()

    async def change(self, organization_id: int, values: dict[str, Any]) -> Organization:
        """A new version with these values; the row is held by `find_to_change`."""
        query = (
            update(Organization)
            .where(col(Organization.id) == organization_id)
            .values(**values, version=Organization.version + 1, updated_at=func.clock_timestamp())
            .returning(Organization)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def find_by_slug(self, slug: str) -> Organization | None:
        return (await self._session.scalars(select(Organization).where(Organization.slug == slug))).one_or_none()

    async def _locked(self, organization_id: int, *, read: bool) -> Organization | None:
        query = (
            select(Organization)
            .where(Organization.id == organization_id)
            .with_for_update(read=read, key_share=not read)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one_or_none()
