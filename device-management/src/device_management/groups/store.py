"""Every query about groups, their members, and devices that are picked by a condition."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, cast, delete, func, literal, update
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.devices.models import Device, present_in, referred_to
from device_management.groups.models import ChosenDevice, Group, GroupMember
from shared.rql.sql import searching

_CHOSEN = select_columns(col(Device.id), col(Device.device_uid))


class GroupStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, group: Group) -> Group | None:
        """The stored group; None when its name is taken."""
        query = (
            insert(Group)
            .values(group.model_dump(exclude={"id"}))
            .on_conflict_do_nothing(index_elements=["organization_id", "name"])
            .returning(Group)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def find(self, organization_id: int, group_id: int, *, lock: bool = False) -> Group | None:
        query = select(Group).where(Group.id == group_id, Group.organization_id == organization_id)
        return (await self._session.scalars(query.with_for_update() if lock else query)).one_or_none()

    async def page(self, organization_id: int, *, after_id: int, limit: int) -> Sequence[Group]:
        query = select(Group).where(Group.organization_id == organization_id, col(Group.id) > after_id)
        return (await self._session.scalars(query.order_by(col(Group.id)).limit(limit))).all()

    async def name_is_taken(self, organization_id: int, name: str, *, but: int) -> bool:
        query = select(Group.id).where(
            Group.organization_id == organization_id, Group.name == name, col(Group.id) != but
        )
        return (await self._session.scalars(query)).first() is not None

    async def change(self, group: Group, values: Mapping[str, Any]) -> Group:
        """A new version of a group that this transaction has locked."""
        query = (
            update(Group)
            .where(col(Group.id) == group.id)
            .values(**values, version=Group.version + 1, updated_at=func.now())
            .returning(Group)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def remove(self, group: Group) -> None:
        await self._session.execute(delete(Group).where(col(Group.id) == group.id))

    async def counts(self, group_ids: Sequence[int]) -> dict[int, int]:
        """The members of fixed groups, by group; a group without any is left out."""
        query = (
            select_columns(col(GroupMember.group_id), func.count())
            .where(col(GroupMember.group_id).in_(group_ids))
            .group_by(col(GroupMember.group_id))
        )
        return {row[0]: row[1] for row in await self._session.execute(query)}

    async def add_members(self, group: Group, device_ids: Sequence[int]) -> list[int]:
        """Those that were not members before, in one statement."""
        devices = func.unnest(_ids(device_ids)).column_valued("device_id")
        rows = select_columns(literal(group.id), devices, literal(group.organization_id))
        query = (
            insert(GroupMember)
            .from_select(["group_id", "device_id", "organization_id"], rows)
            .on_conflict_do_nothing()
            .returning(col(GroupMember.device_id))
        )
        return list(await self._session.scalars(query))

    async def remove_members(self, group: Group, device_ids: Sequence[int]) -> list[int]:
        """Those that were members, in one statement."""
        query = (
            delete(GroupMember)
            .where(col(GroupMember.group_id) == group.id, col(GroupMember.device_id) == func.any(_ids(device_ids)))
            .returning(col(GroupMember.device_id))
        )
        return list(await self._session.scalars(query))

    async def put_in(self, group: Group, device_ids: Sequence[int]) -> Sequence[Device]:
        """The next versions of devices that name the group among theirs from now on."""
        return await self._regroup(device_ids, func.array_append(Device.group_ids, group.id))

    async def take_out(self, group: Group, device_ids: Sequence[int]) -> Sequence[Device]:
        """The next versions of devices that do not name the group any more."""
        return await self._regroup(device_ids, func.array_remove(Device.group_ids, group.id))

    async def _regroup(self, device_ids: Sequence[int], group_ids: ColumnElement[Any]) -> Sequence[Device]:
        query = (
            update(Device)
            .where(col(Device.id).in_(_locked(col(Device.id) == func.any(_ids(device_ids)))))
            .values(
                group_ids=group_ids, version=Device.version + 1, revision=Device.revision + 1, updated_at=func.now()
            )
            .returning(Device)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        return (await self._session.scalars(query)).all()

    async def forget_group(self, group: Group) -> None:
        """Its devices do not name it any more; that it is gone is told once, by the group."""
        members = select_columns(col(GroupMember.device_id)).where(col(GroupMember.group_id) == group.id)
        await self._session.execute(
            update(Device)
            .where(col(Device.id).in_(_locked(col(Device.id).in_(members))))
            .values(group_ids=func.array_remove(Device.group_ids, group.id))
            .execution_options(synchronize_session=False)
        )

    async def all_of(self, organization_id: int | None) -> Sequence[Group]:
        """None means of all organizations."""
        query = select(Group).order_by(col(Group.id))
        return (
            await self._session.scalars(
                query if organization_id is None else query.where(Group.organization_id == organization_id)
            )
        ).all()

    async def forget_device(self, device_id: int) -> None:
        await self._session.execute(delete(GroupMember).where(col(GroupMember.device_id) == device_id))

    async def known(self, organization_id: int, references: Sequence[str]) -> list[ChosenDevice]:
        """Those of the devices, by uid or by id, that are there."""
        rows = await self._session.execute(_CHOSEN.where(present_in(organization_id), referred_to(references)))
        return [ChosenDevice(*row) for row in rows]

    async def choose(
        self, organization_id: int, where: Sequence[ColumnElement[bool]], *, after_id: int, limit: int
    ) -> list[ChosenDevice]:
        """In the order of their ids. Raises QueryTooSlow."""
        query = _CHOSEN.where(present_in(organization_id), *where, col(Device.id) > after_id)
        async with searching(self._session):
            rows = await self._session.execute(query.order_by(col(Device.id)).limit(limit))
            return [ChosenDevice(*row) for row in rows]

    async def count(self, organization_id: int, where: Sequence[ColumnElement[bool]], *, limit: int) -> int:
        """How many there are, counted no further than `limit`. Raises QueryTooSlow."""
        found = select_columns(col(Device.id)).where(present_in(organization_id), *where).limit(limit).subquery()
        async with searching(self._session):
            return (await self._session.execute(select_columns(func.count()).select_from(found))).scalar_one()


def is_member(group: Group) -> ColumnElement[bool]:
    """Of a device: whether it is in this fixed group."""
    return col(Device.id).in_(select_columns(col(GroupMember.device_id)).where(col(GroupMember.group_id) == group.id))


def _locked(where: ColumnElement[bool]) -> Select[int | None]:
    """Ids of devices that nobody else changes from now on, locked in their order, as all do that lock several."""
    chosen = select_columns(col(Device.id)).where(where).order_by(col(Device.id))
    return chosen.with_for_update(key_share=True)


def _ids(ids: Sequence[int]) -> ColumnElement[Any]:
    return cast(list(ids), ARRAY(BigInteger))
