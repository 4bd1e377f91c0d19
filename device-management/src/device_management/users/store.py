"""Every query about an organization's people."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, String, any_, delete, func, literal, or_, text, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.auth.models import User
from device_management.roles.models import Role
from device_management.roles.states import BUILT_IN

_LOCK = text("select pg_advisory_xact_lock(7161718)")
"""Changes of people and roles wait here: two do not take the last two administrators, nor one the role of another."""


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

    async def take_turns(self) -> None:
        await self._session.execute(_LOCK)

    async def holders(self, organization_id: int, role: str) -> Sequence[User]:
        """The people who hold the role, active or not, in the order of their ids; as they are now."""
        query = select(User).where(User.organization_id == organization_id, literal(role) == any_(col(User.roles)))
        query = query.order_by(col(User.id)).execution_options(populate_existing=True)
        return (await self._session.scalars(query)).all()

    async def find_to_change(self, organization_id: int, user_id: int) -> User | None:
        """As the person is now, held until the transaction ends."""
        query = select(User).where(User.organization_id == organization_id, User.id == user_id).with_for_update()
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def page(self, organization_id: int, *, after_id: int, limit: int) -> Sequence[User]:
        query = select(User).where(User.organization_id == organization_id, col(User.id) > after_id)
        return (await self._session.scalars(query.order_by(col(User.id)).limit(limit))).all()

    async def has_other(self, user_id: int | None, scope: str, *, organization_id: int | None) -> bool:
        """Whether an active person beside this one holds the scope, in this organization or anywhere."""
        built_in = [role for role, scopes in BUILT_IN.items() if scope in scopes]
        own = select(Role.name).where(
            Role.organization_id == User.organization_id,
            col(Role.name) == any_(col(User.roles)),
            literal(scope) == any_(col(Role.scopes)),
        )
        holds = or_(
            literal(scope) == any_(col(User.scopes)),
            col(User.roles).op("&&")(sql_cast(built_in, ARRAY(String))),
            own.exists(),
        )
        query = select(User.id).where(col(User.active), holds)
        if user_id is not None:
            query = query.where(User.id != user_id)
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
