"""Every query about batches and their devices, but for those that carry them on. What people do takes the organization.

Devices come to a batch by `insert ... select` from the copy of the fleet, thousands in a statement.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, and_, case, cast, func, literal, null, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ota_service.batches.models import BatchDevice, UpdateBatch
from ota_service.batches.schemas import Counts, Moved
from ota_service.batches.states import BatchState, DeviceState
from ota_service.firmware.models import Firmware
from ota_service.fleet.models import FleetDevice, present_in
from ota_service.fleet.states import RETIRED
from shared.rql.sql import searching

NOW = func.clock_timestamp()

_UNKNOWN = """
    select reference from unnest(cast(:references as text[])) as reference
    where not exists (
        select from fleet_devices
        where organization_id = :organization_id and lifecycle <> 'purged' and device_uid = reference
    ) and not exists (
        select from fleet_devices
        where organization_id = :organization_id and lifecycle <> 'purged'
            and device_id = case when reference ~ '^[0-9]{1,18}$' then cast(reference as bigint) end
    )
"""

_TOUCHED = text(
    """
    with touched as (
        select device.device_uid, device.site_id,
            array_agg(part.previous_firmware_id order by part.position desc) as firmware_ids
        from batch_devices as device
        join update_sessions as session on session.id = device.session_id
        join update_session_parts as part on part.session_id = session.id
        join installations as known
            on known.device_uid = device.device_uid and known.firmware_name = part.name
            and known.firmware_id = part.firmware_id and known.session_counter <= session.counter
        where device.batch_id = :rollback_of and device.device_uid > :after
        group by device.device_uid, device.site_id order by device.device_uid limit :limit
    ), known as (
        select device_uid, site_id, case when array_position(firmware_ids, null) is null then firmware_ids end as before
        from touched
    ), added as (
        insert into batch_devices (
            batch_id, device_uid, state, reason, site_id, firmware_ids, attempts, next_at, updated_at
        )
        select :batch_id, device_uid, case when before is null then 'skipped' else 'pending' end,
            case when before is null then 'previous_firmware_unknown' end, site_id, before, 0,
            clock_timestamp(), clock_timestamp()
        from known
        returning state
    )
    select (select count(*) from touched), (select max(device_uid) from touched),
        count(*) filter (where state = 'pending'), count(*) filter (where state = 'skipped')
    from added
    """
)
"""Devices that have what the batch brought them, with what they ran before, the last part first."""


@dataclass(frozen=True)
class Chosen:
    """Of one statement: how many devices the selection came to, the last of their uids, and what was added."""

    devices: int
    last: str | None
    moved: Moved


class BatchStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def now(self) -> datetime:
        """The database's clock."""
        return (await self._session.execute(select(NOW))).scalar_one()

    async def add(self, batch: UpdateBatch) -> UpdateBatch:
        self._session.add(batch)
        await self._session.flush()
        return batch

    async def find(self, organization_id: int, batch_id: int, *, lock: bool = False) -> UpdateBatch | None:
        query = select(UpdateBatch).where(
            col(UpdateBatch.id) == batch_id, col(UpdateBatch.organization_id) == organization_id
        )
        query = query.execution_options(populate_existing=True)
        return (await self._session.scalars(query.with_for_update() if lock else query)).one_or_none()

    async def lately(self, organization_id: int) -> Sequence[UpdateBatch]:
        """The organization's batches that are not over, and those that ended within a day."""
        lately = func.clock_timestamp() - timedelta(days=1)
        query = select(UpdateBatch).where(
            col(UpdateBatch.organization_id) == organization_id,
            or_(col(UpdateBatch.ended_at).is_(None), col(UpdateBatch.ended_at) >= lately),
        )
        return (await self._session.scalars(query)).all()

    async def page(
        self, organization_id: int, *, state: BatchState | None, before: int, limit: int
    ) -> Sequence[UpdateBatch]:
        """The newest first, below the id `before`; without those of releases."""
        query = select(UpdateBatch).where(
            col(UpdateBatch.organization_id) == organization_id,
            col(UpdateBatch.release_ref).is_(None),
            col(UpdateBatch.id) < before,
        )
        if state is not None:
            query = query.where(col(UpdateBatch.state) == state)
        return (await self._session.scalars(query.order_by(col(UpdateBatch.id).desc()).limit(limit))).all()

    async def devices(
        self, batch: UpdateBatch, *, state: DeviceState | None, after: str, limit: int
    ) -> Sequence[BatchDevice]:
        """In the order of their uids."""
        query = select(BatchDevice).where(col(BatchDevice.batch_id) == batch.id, col(BatchDevice.device_uid) > after)
        if state is not None:
            query = query.where(col(BatchDevice.state) == state)
        return (await self._session.scalars(query.order_by(col(BatchDevice.device_uid)).limit(limit))).all()

    async def counts(self, organization_id: int, batch_ids: Collection[int]) -> dict[int, Counts]:
        columns = [getattr(UpdateBatch, state) for state in DeviceState]
        query = select(UpdateBatch.metadata.tables["update_batches"].c.id, *columns).where(
            col(UpdateBatch.organization_id) == organization_id, col(UpdateBatch.id).in_(batch_ids)
        )
        return {row[0]: Counts(*list(row)[1:]) for row in await self._session.execute(query)}

    async def choose(
        self,
        batch: UpdateBatch,
        firmware: Sequence[Firmware],
        where: Sequence[ColumnElement[bool]],
        *,
        after: str,
        limit: int,
    ) -> Chosen:
        """Takes the next devices of a selection in, each pending or skipped; those that are in it already stay so."""
        reason = _reason(firmware)
        found = (
            select(col(FleetDevice.device_uid), col(FleetDevice.site_id), reason.label("reason"))
            .where(present_in(batch.organization_id), *where, col(FleetDevice.device_uid) > after)
            .order_by(col(FleetDevice.device_uid))
            .limit(limit)
            .cte("found")
        )
        state = case((found.c.reason.is_(None), DeviceState.PENDING), else_=DeviceState.SKIPPED)
        rows = select(
            literal(batch.id), found.c.device_uid, state, found.c.reason, found.c.site_id, literal(0), NOW, NOW
        )
        added = (
            insert(BatchDevice)
            .from_select(
                ["batch_id", "device_uid", "state", "reason", "site_id", "attempts", "next_at", "updated_at"], rows
            )
            .on_conflict_do_nothing()
            .returning(col(BatchDevice.state))
            .cte("added")
        )
        counted = [
            select(func.count()).select_from(added).where(added.c.state == wanted).scalar_subquery()
            for wanted in (DeviceState.PENDING, DeviceState.SKIPPED)
        ]
        extent = select(func.count(), func.max(found.c.device_uid)).select_from(found).subquery()
        devices, last, pending, skipped = (await self._session.execute(select(extent, *counted))).one()
        return Chosen(devices, last, Moved({DeviceState.PENDING: pending, DeviceState.SKIPPED: skipped}))

    async def choose_touched(self, batch: UpdateBatch, *, after: str, limit: int) -> Chosen:
        """Takes in the next devices that the batch which this one takes back has left something on."""
        names = {"rollback_of": batch.rollback_of, "batch_id": batch.id, "after": after, "limit": limit}
        devices, last, pending, skipped = (await self._session.execute(_TOUCHED, names)).one()
        return Chosen(devices, last, Moved({DeviceState.PENDING: pending, DeviceState.SKIPPED: skipped}))

    async def rollback_of(self, organization_id: int, batch_id: int) -> UpdateBatch | None:
        """The batch that takes this one back."""
        query = select(UpdateBatch).where(
            col(UpdateBatch.rollback_of) == batch_id, col(UpdateBatch.organization_id) == organization_id
        )
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def add_unknown(self, batch: UpdateBatch, references: Sequence[str]) -> Moved:
        """Takes in as skipped what is no device of the organization."""
        query = text(
            f"""
            insert into batch_devices (batch_id, device_uid, state, reason, attempts, next_at, updated_at)
            select :batch_id, reference, 'skipped', 'device_not_found', 0, clock_timestamp(), clock_timestamp()
            from ({_UNKNOWN}) as unknown
            on conflict do nothing
            returning device_uid
            """  # noqa: S608 - one constant within another
        )
        names = {"batch_id": batch.id, "organization_id": batch.organization_id, "references": list(references)}
        return Moved({DeviceState.SKIPPED: len((await self._session.execute(query, names)).all())})

    async def preview(
        self,
        organization_id: int,
        firmware: Sequence[Firmware],
        where: Sequence[ColumnElement[bool]],
        *,
        sample: int,
    ) -> tuple[dict[str | None, int], list[tuple[str, str]]]:
        """How many devices of a selection there are for each reason to skip them, None for none; and some of them."""
        reason = _reason(firmware).label("reason")
        devices = select(col(FleetDevice.device_uid), reason).where(present_in(organization_id), *where).subquery()
        counting = select(devices.c.reason, func.count()).group_by(devices.c.reason)
        skipped = select(devices).where(devices.c.reason.is_not(None)).order_by(devices.c.device_uid).limit(sample)
        async with searching(self._session):
            counts = {row[0]: row[1] for row in await self._session.execute(counting)}
            return counts, [(row[0], row[1]) for row in await self._session.execute(skipped)]

    async def unknown(self, organization_id: int, references: Sequence[str]) -> list[str]:
        """Those that are no device of the organization, by uid or id."""
        names = {"organization_id": organization_id, "references": list(references)}
        return list(await self._session.scalars(text(_UNKNOWN), names))

    async def move(self, batch: UpdateBatch, present: DeviceState, to: DeviceState, *, reason: str | None) -> Moved:
        """Every device of a locked batch that is in one state, to another."""
        query = (
            update(BatchDevice)
            .where(col(BatchDevice.batch_id) == batch.id, col(BatchDevice.state) == present)
            .values(state=to, reason=reason, detail=None, wait_until=None, next_at=NOW, updated_at=NOW)
            .returning(literal(1))
            .execution_options(synchronize_session=False)
        )
        count = len((await self._session.execute(query)).all())
        return Moved({present: -count, to: count})

    async def change(self, batch: UpdateBatch, values: dict[str, Any], moved: Moved | None = None) -> UpdateBatch:
        """A batch that this transaction has locked, with other values and counts."""
        counts = {str(state): getattr(UpdateBatch, state) + by for state, by in (moved or {}).items() if by}
        query = (
            update(UpdateBatch)
            .where(col(UpdateBatch.id) == batch.id)
            .values(**values, **counts)
            .returning(UpdateBatch)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        return (await self._session.scalars(query)).one()


def _reason(firmware: Sequence[Firmware]) -> ColumnElement[str | None]:
    """Why a device is skipped at once, or null; `sessions` has the last word when its turn comes."""
    unfit = [
        (_lacks(image.hardware_versions), literal("hardware_mismatch")) for image in firmware if image.hardware_versions
    ]
    return case(
        (col(FleetDevice.lifecycle) == RETIRED, literal("retired")),
        (col(FleetDevice.updates_enabled).is_(False), literal("updates_disabled")),
        *unfit,
        else_=null(),
    )


def _lacks(hardware_versions: Sequence[str]) -> ColumnElement[bool]:
    hardware = col(FleetDevice.hardware_version)
    return or_(hardware.is_(None), and_(hardware != func.all(cast(list(hardware_versions), ARRAY(Text)))))
