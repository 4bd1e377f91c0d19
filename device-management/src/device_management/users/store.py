"""Every query about an organization's people."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, String, delete, func, literal, or_, text, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.auth.models import User
from device_management.auth.states import ROLES

_LOCK = text("select pg_advisory_xact_lock(7161718)")
"""Whoever may take away an administrator waits here, so that two do not take the last two."""


class UserStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, user: User) -> User | None:
        """The stored person, or None when the e-mail address is taken."""
        query = insert(User).values(user.model_dump(exclude={"id"})).on_conflict_do_nothing(index_elements=["email"])
        return (await self._session.scalars(query.returning(User))).one_or_none()

    async def find(self, organization_id: int, user_id: int) -> User | None:
        query = select(User).where(User.organization_id == organization_id, User.id == user_id)
        return (await self._session.scalars(query)).one_or_none()

    async def find_to_change(self, organization_id: int, user_id: int) -> User | None:
        """As the person is now, held until the transaction ends. Changes of people take turns."""
        await self._session.execute(_LOCK)
        query = select(User).where(User.organization_id == organization_id, User.id == user_id).with_for_update()
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def page(self, organization_id: int, *, after_id: int, limit: int) -> Sequence[User]:
        query = select(User).where(User.organization_id == organization_id, col(User.id) > after_id)
        return (await self._session.scalars(query.order_by(col(User.id)).limit(limit))).all()

    async def has_other(self, user_id: int, scope: str, *, organization_id: int | None) -> bool:
        """Whether another active person holds the scope, in this organization or anywhere."""
        roles = [role for role, scopes in ROLES.items() if scope in scopes]
        holds = or_(
            literal(scope) == func.any(col(User.scopes)), col(User.roles).op("&&")(sql_cast(roles, ARRAY(String)))
        )
        query = select(User.id).where(col(User.active), User.id != user_id, holds)
        if organization_id is not None:
            query = query.where(User.organization_id == organization_id)
        return bool(await self._session.scalar(select(query.exists())))

    async def change(self, user_id: int, values: Mapping[str, Any]) -> User:
        """A new version with these values; the row is held by `find_to_change`."""
        query = (
            update(User)
            .where(col(User.id) == user_id)
            .values(**values, version=User.version + 1, updated_at=func.clock_timestamp())
            .returning(User)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def remove(self, user_id: int) -> None:
        """With all sign-ins and keys."""
        await self._session.execute(delete(User).where(col(User.id) == user_id))
