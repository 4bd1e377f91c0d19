"""Every query that takes over what others say of devices. Rows are locked in the order of their ids."""

from collections.abc import Mapping, Sequence

import sqlalchemy
from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Integer, Text, and_, any_, case, cast, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.device_status.models import HeldDevice, Installed, Presence
from device_management.devices.models import Device, present_in
from shared.contracts.devices import PURGED


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

    async def show_actions(self, shown: Mapping[int, tuple[int | None, str | None]]) -> Sequence[Device]:
        """Sets the running action, and the status it gives, of devices by id, and returns those that changed."""
        showing = (
            func.unnest(
                cast(list(shown), ARRAY(BigInteger)),
                cast([action_id for action_id, _ in shown.values()], ARRAY(BigInteger)),
                cast([status for _, status in shown.values()], ARRAY(Text)),
            )
            .table_valued("id", "action_id", "status", name="showing")
            .render_derived()
        )
        query = (
            update(Device)
            .where(
                col(Device.id) == showing.c.id,
                col(Device.lifecycle) != PURGED,
                col(Device.current_action_id).is_distinct_from(showing.c.action_id),
            )
            .values(current_action_id=showing.c.action_id, action_status=showing.c.status, revision=Device.revision + 1)
            .returning(Device)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        return (await self._session.scalars(query)).all()

    async def apply_presence(self, changes: Sequence[Presence]) -> Sequence[Device]:
        """Takes over newer presences in one statement and returns the devices that changed."""
        uids = cast([change.device_uid for change in changes], ARRAY(Text))
        await self._hold(col(Device.device_uid) == any_(uids))
        newer = (
            func.unnest(
                cast([change.device_uid for change in changes], ARRAY(Text)),
                cast([change.online for change in changes], ARRAY(Boolean)),
                cast([change.version for change in changes], ARRAY(BigInteger)),
            )
            .table_valued("device_uid", "online", "presence_version", name="newer")
            .render_derived()
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
            .returning(Device)
            .execution_options(synchronize_session=False)
        )
        return (await self._session.scalars(query)).all()

    async def install(self, news: Sequence[Installed]) -> list[tuple[Device, str | None]]:
        """Takes over what later updates have put on devices, in one statement; uids must differ.

        Answers with the devices that took it over, each with its firmware version before: one that had it already has
        no new version. Rows are locked in the order of their ids, so that two workers never wait in a circle.
        """
        told = (
            func.unnest(
                cast([item.organization_id for item in news], ARRAY(Integer)),
                cast([item.device_uid for item in news], ARRAY(Text)),
                cast([item.firmware_version for item in news], ARRAY(Text)),
                cast([item.counter for item in news], ARRAY(BigInteger)),
            )
            .table_valued("organization_id", "device_uid", "installed", "counter", name="told")
            .render_derived()
        )
        later = (
            select(Device.id, Device.firmware_version, told.c.installed, told.c.counter)
            .join(
                told,
                and_(
                    col(Device.device_uid) == told.c.device_uid,
                    col(Device.organization_id) == told.c.organization_id,
                    col(Device.installed_counter) < told.c.counter,
                    col(Device.lifecycle) != PURGED,
                ),
            )
            .order_by(col(Device.id))
            .with_for_update(of=Device)
            .cte("later")
        )
        is_new = later.c.installed.is_distinct_from(later.c.firmware_version)
        query = (
            update(Device)
            .where(col(Device.id) == later.c.id)
            .values(
                firmware_version=later.c.installed,
                installed_counter=later.c.counter,
                version=Device.version + cast(is_new, Integer),
                revision=Device.revision + 1,
                updated_at=case((is_new, func.now()), else_=Device.updated_at),
            )
            .returning(Device, later.c.firmware_version)
            .execution_options(synchronize_session=False)
        )
        return [(device, before) for device, before in await self._session.execute(query)]
