"""Every query that takes over what others say of devices. Rows are locked in the order of their ids."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    TableValuedAlias,
    Text,
    any_,
    case,
    cast,
    func,
    or_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from device_management.device_status.models import (
    AttributeReport,
    ChangedDevice,
    Ended,
    HeldDevice,
    Installed,
    Presence,
    Reported,
    TakenReport,
)
from device_management.devices.models import Device, present_in
from device_management.devices.states import ENDED
from shared.contracts.devices import PURGED

_CHANGED = (col(Device.id), col(Device.organization_id), col(Device.device_uid), col(Device.revision))


class DeviceStatusStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def hold(self, organization_id: int, uids: Sequence[str]) -> list[HeldDevice]:
        """Locks the organization's devices of these uids, in the order of their ids, as all do that lock several."""
        wanted = col(Device.device_uid) == any_(cast(uids, ARRAY(Text)))
        return await self._hold(present_in(organization_id), wanted)

    async def hold_ids(self, ids: Sequence[int]) -> None:
        """Locks devices of any organization, in the order of their ids."""
        await self._hold(col(Device.id) == any_(cast(ids, ARRAY(BigInteger))))

    async def _hold(self, *where: ColumnElement[bool]) -> list[HeldDevice]:
        query = sqlalchemy.select(col(Device.id), col(Device.device_uid), col(Device.lifecycle)).where(*where)
        rows = await self._session.execute(query.order_by(col(Device.id)).with_for_update(key_share=True))
        return [HeldDevice(*row) for row in rows]

    async def later_reports(self, versions: Mapping[str, int]) -> set[str]:
        """Of the devices that report through ota-service those whose report is later than all before it."""
        proposed = insert(AttributeReport).values(
            [{"device_uid": uid, "version": versions[uid]} for uid in sorted(versions)]
        )
        query = proposed.on_conflict_do_update(
            index_elements=["device_uid"],
            set_={"version": proposed.excluded.version},
            where=col(AttributeReport.version) < proposed.excluded.version,
        ).returning(col(AttributeReport.device_uid))
        return set((await self._session.scalars(query)).all())

    async def show_actions(self, shown: Mapping[int, tuple[int | None, str | None]]) -> list[ChangedDevice]:
        """Sets the running action, and the status it gives, of devices by id, and returns those that changed."""
        showing = _rows(
            "showing",
            id=(list(shown), BigInteger),
            action_id=([action_id for action_id, _ in shown.values()], BigInteger),
            status=([status for _, status in shown.values()], Text),
        )
        query = (
            update(Device)
            .where(
                col(Device.id) == showing.c.id,
                col(Device.lifecycle) != PURGED,
                col(Device.current_action_id).is_distinct_from(showing.c.action_id),
            )
            .values(current_action_id=showing.c.action_id, action_status=showing.c.status, revision=Device.revision + 1)
            .returning(*_CHANGED)
            .execution_options(synchronize_session=False)
        )
        return [ChangedDevice(*row) for row in await self._session.execute(query)]

    async def apply_presence(self, changes: Sequence[Presence]) -> list[ChangedDevice]:
        """Takes over newer presences in one statement and returns the devices that changed."""
        uids = cast([change.device_uid for change in changes], ARRAY(Text))
        await self._hold(col(Device.device_uid) == any_(uids))
        newer = _rows(
            "newer",
            device_uid=([change.device_uid for change in changes], Text),
            online=([change.online for change in changes], Boolean),
            presence_version=([change.version for change in changes], BigInteger),
        )
        query = (
            update(Device)
            .where(
                col(Device.device_uid) == newer.c.device_uid,
                col(Device.presence_version) < newer.c.presence_version,
            )
            .values(
                online=newer.c.online,
                presence_version=newer.c.presence_version,
                revision=Device.revision + 1,
            )
            .returning(*_CHANGED)
            .execution_options(synchronize_session=False)
        )
        return [ChangedDevice(*row) for row in await self._session.execute(query)]

    async def install(self, news: Sequence[Installed]) -> list[tuple[Device, str | None]]:
        """Takes over what later updates have put on devices, in one statement; uids must differ.

        Answers with the devices that took it over, each with its firmware version before: one that had it already has
        no new version.
        """
        told = _rows(
            "told",
            organization_id=([item.organization_id for item in news], Integer),
            device_uid=([item.device_uid for item in news], Text),
            installed=([item.firmware_version for item in news], Text),
            counter=([item.counter for item in news], BigInteger),
        )
        later = _held(told, col(Device.organization_id) == told.c.organization_id, col(Device.lifecycle) != PURGED)
        later = later.where(col(Device.installed_counter) < told.c.counter).cte("later")
        return await self._change_firmware(
            later,
            later.c.installed,
            installed_counter=later.c.counter,
            firmware_confirmed=func.coalesce(Device.reported_firmware_version, "") == later.c.installed,
        )

    async def believe(self, news: Sequence[Ended]) -> list[tuple[Device, str | None]]:
        """Goes by the devices' own word where the update that ended is the one that `install` went by.

        Answers as `install` does.
        """
        told = _rows(
            "told",
            organization_id=([item.organization_id for item in news], Integer),
            device_uid=([item.device_uid for item in news], Text),
            counter=([item.counter for item in news], BigInteger),
        )
        doubted = _held(told, col(Device.organization_id) == told.c.organization_id, col(Device.lifecycle) != PURGED)
        doubted = doubted.where(col(Device.installed_counter) == told.c.counter, ~col(Device.firmware_confirmed)).cte(
            "doubted"
        )
        own_word = func.coalesce(Device.reported_firmware_version, Device.firmware_version)
        return await self._change_firmware(doubted, own_word, firmware_confirmed=True)

    async def _change_firmware(
        self, held: CTE, firmware: ColumnElement[Any], **also: Any
    ) -> list[tuple[Device, str | None]]:
        is_new = firmware.is_distinct_from(held.c.firmware_version)
        query = (
            update(Device)
            .where(col(Device.id) == held.c.id)
            .values(
                firmware_version=firmware,
                **also,
                version=Device.version + cast(is_new, Integer),
                revision=Device.revision + 1,
                updated_at=case((is_new, func.now()), else_=Device.updated_at),
            )
            .returning(Device, held.c.firmware_version)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        return [(device, before) for device, before in await self._session.execute(query)]

    async def report(self, reports: Sequence[Reported]) -> list[TakenReport]:
        """Takes over what devices say of themselves, in one statement; uids must differ.

        A version that they say counts as what they run once they have said the one that an update put there.
        """
        said = _rows(
            "said",
            device_uid=([item.device_uid for item in reports], Text),
            firmware_versions=([list(item.firmware_versions) for item in reports], JSONB),
            firmware=([next(reversed(item.firmware_versions), None) for item in reports], Text),
            attributes=([item.attributes for item in reports], JSONB(none_as_null=True)),
        )
        held = _held(said, col(Device.lifecycle).not_in(ENDED)).cte("held")
        has_said_it = func.jsonb_exists(held.c.firmware_versions, Device.firmware_version)
        confirmed = or_(col(Device.firmware_confirmed), has_said_it)
        runs = case((confirmed, func.coalesce(held.c.firmware, Device.firmware_version)), else_=Device.firmware_version)
        says = func.coalesce(held.c.firmware, Device.reported_firmware_version)
        attributes = func.coalesce(held.c.attributes, Device.reported_attributes)
        is_new = or_(
            runs.is_distinct_from(Device.firmware_version),
            says.is_distinct_from(Device.reported_firmware_version),
            attributes.is_distinct_from(Device.reported_attributes),
        )
        query = (
            update(Device)
            .where(col(Device.id) == held.c.id)
            .values(
                firmware_version=runs,
                firmware_confirmed=confirmed,
                reported_firmware_version=says,
                reported_attributes=attributes,
                reported_at=func.now(),
                version=Device.version + cast(is_new, Integer),
                revision=Device.revision + 1,
                updated_at=case((is_new, func.now()), else_=Device.updated_at),
            )
            .returning(Device, held.c.firmware_version, held.c.version)
            .execution_options(synchronize_session=False)
        )
        rows = await self._session.execute(query)
        return [TakenReport(device, firmware, device.version != version) for device, firmware, version in rows]


def _rows(name: str, **columns: tuple[Sequence[Any], Any]) -> TableValuedAlias:
    """Values, as (values, type) by column, as a table."""
    arrays = [cast(values, ARRAY(kind, dimensions=1)) for values, kind in columns.values()]
    return func.unnest(*arrays).table_valued(*columns, name=name).render_derived()


def _held(told: TableValuedAlias, *where: ColumnElement[bool]) -> Select[Any]:
    """The devices that are told of, with what they run and what is told; locked in the order of their ids."""
    return (
        sqlalchemy.select(col(Device.id), col(Device.firmware_version), col(Device.version), *told.c)
        .join_from(Device, told, col(Device.device_uid) == told.c.device_uid)
        .where(*where)
        .order_by(col(Device.id))
        .with_for_update(of=Device, key_share=True)
    )
