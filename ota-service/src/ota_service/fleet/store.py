"""Every query about the copy of the fleet."""

from collections.abc import Collection, Sequence

from pydantic_core import to_json
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, TextClause, cast, collate, func, or_, text
from sqlalchemy import select as select_columns
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.fleet.models import FleetDevice, FleetGroup, present_in
from shared.rql.sql import searching


def _newer(table: type[FleetDevice | FleetGroup], name: str, key: str) -> TextClause:
    """Takes over `rows` that are not older than the copy's, in the order of their keys."""
    columns = ", ".join(table.model_fields)
    changes = ", ".join(f"{column} = excluded.{column}" for column in table.model_fields if column != key)
    return text(
        f"""
        insert into {name} as known ({columns})
        select {columns} from jsonb_populate_recordset(null::{name}, cast(:rows as jsonb))
        on conflict ({key}) do update set {changes} where known.version <= excluded.version
        """  # noqa: S608 - names
    )


_PUT_DEVICES = _newer(FleetDevice, "fleet_devices", "device_uid")
_PUT_GROUPS = _newer(FleetGroup, "fleet_groups", "group_id")


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

    async def lock(self, organization_id: int, uids: Collection[str]) -> Sequence[RowMapping]:
        """The columns of those that are there as they are now, unchanged until this transaction ends.

        A purged one is not. In the order of the uids, as whoever changes them does it, so that two never wait for each
        other in a circle.
        """
        query = (
            select_columns(FleetDevice.metadata.tables["fleet_devices"])
            .where(present_in(organization_id), is_named(uids))
            .order_by(collate(col(FleetDevice.device_uid), "C"))
            .with_for_update(key_share=True)
        )
        return (await self._session.execute(query)).mappings().all()

    async def put_newer(self, devices: Sequence[FleetDevice]) -> None:
        """Takes over each device that is not older than the copy's, in one statement; uids must differ.

        One of the same version says the same, and what a copy of an older shape lacks.
        """
        await self._session.execute(_PUT_DEVICES, {"rows": _rows(devices)})

    async def put_newer_groups(self, groups: Sequence[FleetGroup]) -> None:
        """As `put_newer`, of groups; ids must differ."""
        await self._session.execute(_PUT_GROUPS, {"rows": _rows(groups)})


def _rows(rows: Sequence[FleetDevice | FleetGroup]) -> str:
    return to_json([row.model_dump() for row in rows]).decode()


def is_named(uids: Collection[str]) -> ColumnElement[bool]:
    """Of a device: whether it is one of these, by uid."""
    return col(FleetDevice.device_uid) == func.any(cast(list(uids), ARRAY(Text)))


def is_among(references: Sequence[str]) -> ColumnElement[bool]:
    """Of a device: whether it is one of these, by uid or by id."""
    numbers = [int(reference) for reference in references if reference.isascii() and reference.isdigit()]
    by_uid = is_named(references)
    by_id = col(FleetDevice.device_id) == func.any(
        cast([number for number in numbers if number < 2**63], ARRAY(BigInteger))
    )
    return or_(by_uid, by_id) if numbers else by_uid


def is_member(group_id: int) -> ColumnElement[bool]:
    """Of a device: whether it is in this fixed group."""
    return col(FleetDevice.group_ids).contains([group_id])
