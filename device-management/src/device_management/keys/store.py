"""Every query about keys."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy
from sqlalchemy import ColumnElement, DateTime, Integer, Uuid, any_, cast, func, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.keys.models import Gateway, Key
from device_management.keys.states import KeyKind
from device_management.organizations.models import Organization
from device_management.organizations.states import OrganizationStatus


class KeyStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, key: Key) -> None:
        self._session.add(key)

    async def page(
        self, organization_id: int, kind: KeyKind, *, user_id: int | None, after: UUID | None, limit: int
    ) -> Sequence[Key]:
        """In the order of their ids; of one person, or of the whole organization."""
        query = select(Key).where(_of(organization_id, kind, user_id))
        if after is not None:
            query = query.where(col(Key.id) > after)
        return (await self._session.scalars(query.order_by(col(Key.id)).limit(limit))).all()

    async def find(self, organization_id: int, kind: KeyKind, key_id: UUID, *, user_id: int | None) -> Key | None:
        query = select(Key).where(_of(organization_id, kind, user_id), Key.id == key_id)
        return (await self._session.scalars(query)).one_or_none()

    async def revoke(self, organization_id: int, key_ids: Sequence[UUID]) -> Sequence[Key]:
        """Those of them that go from good to revoked by this."""
        query = (
            update(Key)
            .where(col(Key.organization_id) == organization_id, col(Key.id).in_(key_ids), col(Key.revoked_at).is_(None))
            .values(revoked_at=func.now())
            .returning(Key)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).all()

    async def alive_of(self, organization_id: int, user_ids: Collection[int]) -> Sequence[Key]:
        """The people's keys that are neither revoked nor expired."""
        query = select(Key).where(
            _of(organization_id, KeyKind.API_KEY, None),
            col(Key.user_id) == any_(cast(list(user_ids), ARRAY(Integer))),
            col(Key.revoked_at).is_(None),
            col(Key.expires_at) > func.now(),
        )
        return (await self._session.scalars(query)).all()

    async def gateways(self, ids: Collection[UUID]) -> list[Gateway]:
        """Of any organization: the broker knows no tenants."""
        query = (
            sqlalchemy.select(
                col(Key.id),
                col(Key.organization_id),
                col(Key.name),
                col(Key.expires_at),
                col(Key.revoked_at).is_not(None),
                col(Organization.state) == OrganizationStatus.SUSPENDED,
            )
            .join(Organization, col(Organization.id) == col(Key.organization_id))
            .where(col(Key.kind) == KeyKind.GATEWAY, col(Key.id) == any_(cast(list(ids), ARRAY(Uuid))))
        )
        return [Gateway(*row) for row in await self._session.execute(query)]

    async def gateways_of(self, organization_ids: Collection[int]) -> Sequence[UUID]:
        """The ids of these organizations' gateways that are neither revoked nor expired."""
        query = select(Key.id).where(
            col(Key.organization_id) == any_(cast(list(organization_ids), ARRAY(Integer))),
            col(Key.kind) == KeyKind.GATEWAY,
            col(Key.revoked_at).is_(None),
            col(Key.expires_at) > func.now(),
        )
        return (await self._session.scalars(query)).all()

    async def note_used(self, used: Mapping[UUID, datetime]) -> None:
        """Takes over later uses, in one statement."""
        later = (
            func.unnest(
                cast(list(used), ARRAY(Uuid)),
                cast(list(used.values()), ARRAY(DateTime(timezone=True))),
            )
            .table_valued("id", "at", name="later")
            .render_derived()
        )
        query = (
            update(Key)
            .where(col(Key.id) == later.c.id)
            .values(last_used_at=func.greatest(col(Key.last_used_at), later.c.at))
            .execution_options(synchronize_session=False)
        )
        await self._session.execute(query)


def _of(organization_id: int, kind: KeyKind, user_id: int | None) -> ColumnElement[bool]:
    condition = (col(Key.organization_id) == organization_id) & (col(Key.kind) == kind)
    return condition if user_id is None else condition & (col(Key.user_id) == user_id)
