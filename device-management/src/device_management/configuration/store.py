"""Every query about configurations. What people do takes the organization."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import ARRAY, bindparam, delete, func, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.configuration.models import Configuration
from device_management.configuration.schemas import Reported
from device_management.devices.models import Device

_NOW = func.clock_timestamp()

_SET = text(
    """
    insert into configurations (device_id, organization_id, desired, version)
    select id, :organization_id, jsonb_strip_nulls(cast(:added as jsonb)), 1
    from unnest(cast(:device_ids as bigint[])) as id order by id
    on conflict (device_id) do update set
        desired = (configurations.desired || cast(:added as jsonb)) - cast(:removed as text[]),
        version = configurations.version + 1,
        updated_at = clock_timestamp()
    """
)

_WITHOUT_ROOM = text(
    """
    with held as (
        select device_id, (desired || cast(:added as jsonb)) - cast(:removed as text[]) as wanted
        from configurations
        where organization_id = :organization_id and device_id = any(cast(:device_ids as bigint[]))
        order by device_id for update
    )
    select device_id from held where octet_length(cast(wanted as text)) > :most
    """
)

_REPORT = text(
    """
    with said as materialized (
        select device.id, device.organization_id, device.device_uid, told.configuration, told.at
        from unnest(cast(:uids as text[]), cast(:configurations as jsonb[]), cast(:times as timestamptz[]))
            as told(uid, configuration, at)
        join devices as device on device.device_uid = told.uid
    ), before as (
        select device_id, reported from configurations where device_id in (select id from said)
    ), written as (
        insert into configurations (device_id, organization_id, reported, reported_at)
        select id, organization_id, configuration, at from said order by id
        on conflict (device_id) do update set
            reported = excluded.reported, reported_at = excluded.reported_at, updated_at = clock_timestamp()
        where configurations.reported_at is null or configurations.reported_at <= excluded.reported_at
        returning *
    )
    select written.*, said.device_uid
    from written join said on said.id = written.device_id
    left join before on before.device_id = written.device_id
    where before.reported is distinct from written.reported
    """
)


class ConfigurationStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, organization_id: int, device_id: int) -> Configuration | None:
        query = select(Configuration).where(
            Configuration.device_id == device_id, Configuration.organization_id == organization_id
        )
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def lock(self, organization_id: int, device_id: int) -> Configuration:
        """The device's configuration, made empty if there is none; others that change it wait."""
        await self._session.execute(
            insert(Configuration)
            .values(device_id=device_id, organization_id=organization_id, desired={}, version=0)
            .on_conflict_do_nothing()
        )
        query = select(Configuration).where(Configuration.device_id == device_id).with_for_update()
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one()

    async def replace(self, configuration: Configuration, desired: Mapping[str, Any]) -> Configuration:
        query = (
            update(Configuration)
            .where(col(Configuration.device_id) == configuration.device_id)
            .values(desired=dict(desired), version=Configuration.version + 1, updated_at=_NOW)
            .returning(Configuration)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def without_room(
        self, organization_id: int, device_ids: Sequence[int], params: Mapping[str, Any], *, most: int
    ) -> set[int]:
        """Those of these devices that would have more than `most` bytes with `params`; all that have any are locked."""
        rows = await self._session.execute(
            _WITHOUT_ROOM.bindparams(bindparam("added", type_=JSONB())),
            {"organization_id": organization_id, "device_ids": device_ids, "most": most, **_members(params)},
        )
        return {row.device_id for row in rows}

    async def set_on_all(self, organization_id: int, device_ids: Sequence[int], params: Mapping[str, Any]) -> None:
        """Adds the members of `params` to what these devices are to be set to, and takes away those that are null."""
        await self._session.execute(
            _SET.bindparams(bindparam("added", type_=JSONB())),
            {"organization_id": organization_id, "device_ids": device_ids, **_members(params)},
        )

    async def report(self, reports: Sequence[Reported]) -> list[tuple[str, Configuration]]:
        """Takes over what devices report, in one statement; uids must differ. Unknown devices are passed over.

        Returns the configurations of those that report something else than before, by uid.
        """
        rows = await self._session.execute(
            _REPORT.bindparams(bindparam("configurations", type_=ARRAY(JSONB()))),
            {
                "uids": [report.device_uid for report in reports],
                "configurations": [report.configuration for report in reports],
                "times": [report.at for report in reports],
            },
        )
        return [(row.pop("device_uid"), Configuration(**row)) for row in map(dict, rows.mappings())]

    async def of(self, device_ids: Sequence[int]) -> list[tuple[str, Configuration]]:
        """Those of these devices that have one, by uid."""
        query = (
            sqlalchemy.select(col(Device.device_uid), Configuration)
            .join(Device, col(Device.id) == col(Configuration.device_id))
            .where(col(Configuration.device_id).in_(device_ids))
        )
        return [(row[0], row[1]) for row in await self._session.execute(query)]

    async def remove(self, device_ids: Sequence[int]) -> None:
        await self._session.execute(delete(Configuration).where(col(Configuration.device_id).in_(device_ids)))


def _members(params: Mapping[str, Any]) -> dict[str, Any]:
    """What `params` set, and the names of what they take away."""
    return {
        "added": {name: value for name, value in params.items() if value is not None},
        "removed": [name for name, value in params.items() if value is None],
    }
