"""Every query about the copy of the fleet."""

from collections.abc import Collection, Sequence

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, cast, collate, func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.fleet.models import FleetDevice, FleetGroup, present_in
from shared.rql.sql import searching


class FleetStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, organization_id: int, uid: str) -> FleetDevice | None:
        """A purged device is not found."""
        query = select(FleetDevice).where(present_in(organization_id), FleetDevice.device_uid == uid)
        return (await self._session.scalars(query)).one_or_none()

    async def find_group(self, organization_id: int, reference: int | str) -> FleetGroup | None:
        """By id or by name. A deleted group is not found."""
        named = FleetGroup.name == reference if isinstance(reference, str) else FleetGroup.group_id == reference
        query = select(FleetGroup).where(
            FleetGroup.organization_id == organization_id, named, col(FleetGroup.deleted).is_(False)
        )
        return (await self._session.scalars(query)).first()

    async def choose(
        self, organization_id: int, where: Sequence[ColumnElement[bool]], *, after: str, limit: int
    ) -> Sequence[FleetDevice]:
        """In the order of their uids. Raises QueryTooSlow."""
        query = select(FleetDevice).where(present_in(organization_id), *where, col(FleetDevice.device_uid) > after)
        async with searching(self._session):
            return (await self._session.scalars(query.order_by(col(FleetDevice.device_uid)).limit(limit))).all()

    async def count(self, organization_id: int, where: Sequence[ColumnElement[bool]], *, limit: int) -> int:
        """Counted no further than `limit`. Raises QueryTooSlow."""
        found = select(FleetDevice.device_uid).where(present_in(organization_id), *where).limit(limit).subquery()
        async with searching(self._session):
            return (await self._session.execute(select(func.count()).select_from(found))).scalar_one()

    async def lock(self, organization_id: int, uids: Collection[str]) -> Sequence[FleetDevice]:
        """Those that are there as they are now, unchanged until this transaction ends; a purged one is not.

        In the order of the uids, as whoever changes them does it, so that two never wait for each other in a circle.
        """
        query = (
            select(FleetDevice)
            .where(present_in(organization_id), col(FleetDevice.device_uid).in_(uids))
            .order_by(collate(col(FleetDevice.device_uid), "C"))
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).all()

    async def put_newer(self, devices: Sequence[FleetDevice]) -> None:
        """Takes over each device whose version is greater than the copy's, in one statement; uids must differ."""
        await self._put_newer(FleetDevice, "device_uid", devices)

    async def put_newer_groups(self, groups: Sequence[FleetGroup]) -> None:
        """As `put_newer`, of groups; ids must differ."""
        await self._put_newer(FleetGroup, "group_id", groups)

    async def _put_newer(
        self, table: type[FleetDevice | FleetGroup], key: str, rows: Sequence[FleetDevice | FleetGroup]
    ) -> None:
        proposed = insert(table).values([row.model_dump() for row in rows])
        changes = {name: proposed.excluded[name] for name in table.model_fields if name != key}
        await self._session.execute(
            proposed.on_conflict_do_update(
                index_elements=[key], set_=changes, where=col(table.version) < proposed.excluded.version
            )
        )


def is_among(references: Sequence[str]) -> ColumnElement[bool]:
    """Of a device: whether it is one of these, by uid or by id."""
    numbers = [int(reference) for reference in references if reference.isascii() and reference.isdigit()]
    by_uid = col(FleetDevice.device_uid) == func.any(cast(list(references), ARRAY(Text)))
    by_id = col(FleetDevice.device_id) == func.any(
        cast([number for number in numbers if number < 2**63], ARRAY(BigInteger))
    )
    return or_(by_uid, by_id) if numbers else by_uid


def is_member(group_id: int) -> ColumnElement[bool]:
    """Of a device: whether it is in this fixed group."""
    return col(FleetDevice.group_ids).contains([group_id])
