"""Every query about the roles of organizations."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.roles.models import Role


class RoleStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all_of(self, organization_id: int) -> Sequence[Role]:
        """In the order of their names."""
        query = select(Role).where(Role.organization_id == organization_id).order_by(col(Role.name))
        return (await self._session.scalars(query)).all()

    async def find(self, organization_id: int, name: str) -> Role | None:
        query = select(Role).where(Role.organization_id == organization_id, Role.name == name)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def count(self, organization_id: int) -> int:
        query = select(func.count()).select_from(Role).where(Role.organization_id == organization_id)
        return (await self._session.scalars(query)).one()

    async def add(self, organization_id: int, values: Mapping[str, Any]) -> Role | None:
        """The stored role, or None when its name is taken."""
        query = insert(Role).values(organization_id=organization_id, **values)
        query = query.on_conflict_do_nothing(index_elements=["organization_id", "name"])
        return (await self._session.scalars(query.returning(Role))).one_or_none()

    async def change(self, organization_id: int, name: str, values: Mapping[str, Any]) -> Role:
        """A new version with these values."""
        query = (
            update(Role)
            .where(col(Role.organization_id) == organization_id, col(Role.name) == name)
            .values(**values, version=Role.version + 1, updated_at=func.clock_timestamp())
            .returning(Role)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def remove(self, organization_id: int, name: str) -> None:
        await self._session.execute(
            delete(Role).where(col(Role.organization_id) == organization_id, col(Role.name) == name)
        )
