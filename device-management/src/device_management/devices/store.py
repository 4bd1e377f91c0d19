"""Every query about devices. What belongs to a tenant takes the organization; another's device is not found.

A purged device is not found either; registering may bring its row back to life for its own organization.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import sqlalchemy
from sqlalchemy import ARRAY, ColumnElement, Text, any_, cast, false, func, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.devices.models import SHOWN_STATUS, Device, present_in
from device_management.devices.schemas import DeviceFilter
from device_management.devices.states import ENDED
from shared.contracts.routes import DEVICE_UID
from shared.rql.sql import searching

_MAX_ID = 2**63 - 1

_SAVE_MANY = text(
    """
    update devices
    set name = edited.name, device_type = edited.device_type, serial_number = edited.serial_number,
        hardware_version = edited.hardware_version, updates_enabled = edited.updates_enabled,
        attributes = edited.attributes, tags = array(select jsonb_array_elements_text(edited.tags)),
        version = devices.version + 1, revision = devices.revision + 1, updated_at = now()
    from jsonb_to_recordset(cast(:rows as jsonb)) as edited (
        id bigint, name text, device_type text, serial_number text, hardware_version text, updates_enabled boolean,
        attributes jsonb, tags jsonb
    )
    where devices.id = edited.id
    returning devices.*
    """
)

_EDITABLE = (
    "name",
    "device_type",
    "serial_number",
    "hardware_version",
    "updates_enabled",
    "attributes",
    "tags",
)


class DeviceStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, organization_id: int, reference: str) -> Device | None:
        query = select(Device).where(present_in(organization_id), _is(reference))
        return (await self._session.scalars(query)).one_or_none()

    async def lock(self, organization_id: int, reference: str) -> Device | None:
        """The device as it is now; nobody else changes it until this transaction ends."""
        query = select(Device).where(present_in(organization_id), _is(reference)).with_for_update()
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def lock_many(self, organization_id: int, uids: Sequence[str]) -> Sequence[Device]:
        """Those of the devices that are there; in the order of their ids, so that two calls never wait in a circle."""
        among = col(Device.device_uid) == any_(cast(uids, ARRAY(Text)))
        query = select(Device).where(present_in(organization_id), among).order_by(col(Device.id))
        query = query.with_for_update().execution_options(populate_existing=True)
        return (await self._session.scalars(query)).all()

    async def save_many(self, changes: Sequence[tuple[Device, Mapping[str, Any]]]) -> Sequence[Device]:
        """The next versions of locked devices, in one statement; changes of what can be edited."""
        if not changes:
            return []
        rows = [
            {"id": device.id, **{name: given.get(name, getattr(device, name)) for name in _EDITABLE}}
            for device, given in changes
        ]
        query = select(Device).from_statement(_SAVE_MANY).execution_options(populate_existing=True)
        return (await self._session.scalars(query, {"rows": json.dumps(rows)})).all()

    async def save(self, device: Device, changes: Mapping[str, Any], *, revoking: bool = False) -> Device:
        """A locked device's next version; with `revoking` every token issued so far is refused from now on."""
        revoked: dict[str, Any] = {
            "min_token_generation": Device.newest_token_generation + 1,
            "newest_token_generation": Device.newest_token_generation + 1,
            "token_expires_at": None,
            "tokens_revoked_at": func.clock_timestamp(),
        }
        query = (
            update(Device)
            .where(col(Device.id) == device.id)
            .values(**changes, **(revoked if revoking else {}))
            .values(version=Device.version + 1, revision=Device.revision + 1, updated_at=func.now())
            .returning(Device)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def page(
        self,
        organization_id: int,
        *,
        only: DeviceFilter,
        where: Sequence[ColumnElement[bool]] = (),
        after_id: int,
        limit: int,
    ) -> Sequence[Device]:
        """In the order of their ids. `where` narrows further. Raises QueryTooSlow."""
        query = select(Device).where(present_in(organization_id), *_conditions(only), *where, col(Device.id) > after_id)
        async with searching(self._session) if where else nullcontext():
            return (await self._session.scalars(query.order_by(col(Device.id)).limit(limit))).all()

    async def count(self, organization_id: int) -> int:
        """How many count against the organization's limit: all but retired ones."""
        query = sqlalchemy.select(func.count()).where(present_in(organization_id), col(Device.lifecycle).not_in(ENDED))
        return (await self._session.scalars(query)).one()

    async def refuse_tokens(self, device: Device, below: int) -> Device:
        """A locked device's next version, which refuses its tokens below that generation.

        When none of them is left, none can expire any more.
        """
        all_of_them = below > device.newest_token_generation
        changes = {
            "min_token_generation": below,
            "newest_token_generation": max(below, device.newest_token_generation),
            "tokens_revoked_at": func.clock_timestamp(),
            **({"token_expires_at": None} if all_of_them else {}),
        }
        return await self.save(device, changes)


def _is(reference: str) -> ColumnElement[bool]:
    """By id, when it is all digits, else by uid; what can be neither matches nothing and asks nothing of the index."""
    if reference.isascii() and reference.isdigit():
        number = int(reference) if len(reference) <= 19 else 0
        return col(Device.id) == (number if number <= _MAX_ID else 0)
    return col(Device.device_uid) == reference if DEVICE_UID.fullmatch(reference) else false()


def _conditions(only: DeviceFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if only.lifecycle is not None:
        conditions.append(col(Device.lifecycle) == only.lifecycle)
    if only.status is not None:
        conditions.append(SHOWN_STATUS == only.status.value)  # noqa: SIM300 - an expression, no constant
    if only.device_type is not None:
        conditions.append(col(Device.device_type) == only.device_type)
    if only.tag is not None:
        conditions.append(col(Device.tags).contains([only.tag]))
    return conditions
