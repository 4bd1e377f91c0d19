"""Every query about devices. What belongs to a tenant takes the organization; another's device is not found.

A purged device is not found either; `add` may bring its row back to life for its own organization.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import sqlalchemy
from pydantic_core import to_json
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Text,
    and_,
    any_,
    case,
    cast,
    false,
    func,
    text,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.devices.models import (
    SHOWN_STATUS,
    Credential,
    Device,
    HeldDevice,
    Installed,
    NewDevice,
    Presence,
    Stored,
    present_in,
)
from device_management.devices.schemas import DeviceFilter
from device_management.devices.states import ENDED
from device_management.organizations.models import Organization
from device_management.organizations.states import OrganizationStatus
from shared.contracts.devices import PURGED
from shared.contracts.routes import DEVICE_UID
from shared.rql.sql import searching

_MAX_ID = 2**63 - 1

_CREDENTIAL = (
    col(Device.device_uid),
    col(Device.organization_id),
    col(Device.lifecycle),
    col(Device.min_token_generation),
    col(Device.token_expires_at),
    col(Device.tokens_revoked_at),
    col(Organization.state) == OrganizationStatus.SUSPENDED,
)

_ADD = text(
    """
    insert into devices as present (
        device_uid, organization_id, name, device_type, serial_number, hardware_version, lifecycle, reported_status,
        updates_enabled, attributes, tags, presence_version, installed_counter, min_token_generation, version, revision,
        registered_at, updated_at
    )
    select device_uid, :organization_id, name, device_type, serial_number, hardware_version, lifecycle,
           reported_status, updates_enabled, cast(attributes as jsonb),
           array(select jsonb_array_elements_text(cast(tags as jsonb))), 0, 0, 1, 1, 1, :registered_at, :registered_at
    from unnest(
        cast(:device_uid as text[]), cast(:name as text[]), cast(:device_type as text[]),
        cast(:serial_number as text[]), cast(:hardware_version as text[]), cast(:lifecycle as text[]),
        cast(:reported_status as text[]), cast(:updates_enabled as boolean[]), cast(:attributes as text[]),
        cast(:tags as text[])
    ) as proposed (
        device_uid, name, device_type, serial_number, hardware_version, lifecycle, reported_status, updates_enabled,
        attributes, tags
    )
    order by device_uid
    on conflict (device_uid) do update set
        name = excluded.name, device_type = excluded.device_type, serial_number = excluded.serial_number,
        hardware_version = excluded.hardware_version, lifecycle = excluded.lifecycle,
        reported_status = excluded.reported_status, updates_enabled = excluded.updates_enabled,
        attributes = excluded.attributes, tags = excluded.tags, registered_at = excluded.registered_at,
        updated_at = excluded.updated_at, version = present.version + 1, revision = present.revision + 1
    where present.lifecycle = :purged and present.organization_id = excluded.organization_id
    returning device_uid, id, version, min_token_generation
    """
)
"""A purged device comes back to life under its own organization; any other uid that is there is left alone.

In the order of the uids, so that two calls with the same ones never wait for each other in a circle.
"""

_ADDED_AT_ONCE = 5_000

_PLAIN = (
    "device_uid",
    "name",
    "device_type",
    "serial_number",
    "hardware_version",
    "lifecycle",
    "reported_status",
    "updates_enabled",
)


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

    async def add(self, organization_id: int, devices: Sequence[NewDevice]) -> dict[str, Stored]:
        """Stores those whose uid is not taken, thousands in one statement, and answers them by uid; uids differ."""
        stored: dict[str, Stored] = {}
        in_order = sorted(devices, key=lambda device: device.device_uid)
        for start in range(0, len(in_order), _ADDED_AT_ONCE):
            some = in_order[start : start + _ADDED_AT_ONCE]
            columns = {name: [getattr(device, name) for device in some] for name in _PLAIN}
            rows = await self._session.execute(
                _ADD,
                {
                    **columns,
                    "attributes": [to_json(device.attributes).decode() for device in some],
                    "tags": [to_json(device.tags).decode() for device in some],
                    "organization_id": organization_id,
                    "registered_at": some[0].registered_at,
                    "purged": PURGED,
                },
            )
            stored.update({uid: Stored(*given) for uid, *given in rows})
        return stored

    async def taken(self, organization_id: int, uids: Sequence[str]) -> set[str]:
        """Those of `uids` that nobody of this organization can register, as of now."""
        free = and_(col(Device.organization_id) == organization_id, col(Device.lifecycle) == PURGED)
        among = col(Device.device_uid) == any_(cast(uids, ARRAY(Text)))
        query = sqlalchemy.select(col(Device.device_uid)).where(among, ~free)
        return set((await self._session.scalars(query)).all())

    async def find(self, organization_id: int, reference: str) -> Device | None:
        query = select(Device).where(present_in(organization_id), _is(reference))
        return (await self._session.scalars(query)).one_or_none()

    async def lock(self, organization_id: int, reference: str) -> Device | None:
        """The device as it is now; nobody else changes it until this transaction ends."""
        query = select(Device).where(present_in(organization_id), _is(reference)).with_for_update()
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def lock_many(self, organization_id: int, uids: Sequence[str]) -> Sequence[Device]:
        """Those of the devices that are there; in the order of their uids, so that two calls never wait in a circle."""
        among = col(Device.device_uid) == any_(cast(uids, ARRAY(Text)))
        query = select(Device).where(present_in(organization_id), among).order_by(col(Device.device_uid))
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

    async def extent(self, organization_id: int | None) -> tuple[int, int]:
        """How many devices there are and the greatest id among them; None means of all organizations."""
        query = sqlalchemy.select(func.count(), func.max(Device.id)).where(_told(organization_id))
        count, greatest = (await self._session.execute(query)).one()
        return count, greatest or 0

    async def span(self, organization_id: int | None, *, after_id: int, up_to_id: int, limit: int) -> Sequence[Device]:
        """The next devices in the order of their ids; None means of all organizations."""
        query = select(Device).where(_told(organization_id), col(Device.id) > after_id, col(Device.id) <= up_to_id)
        return (await self._session.scalars(query.order_by(col(Device.id)).limit(limit))).all()

    async def count(self, organization_id: int) -> int:
        """How many count against the organization's limit: all but retired ones."""
        query = sqlalchemy.select(func.count()).where(present_in(organization_id), col(Device.lifecycle).not_in(ENDED))
        return (await self._session.scalars(query)).one()

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

    async def credential(self, uid: str) -> Credential | None:
        """Of any organization: the broker knows no tenants, and a uid is unique on the platform."""
        found = await self.credentials([uid])
        return found[0] if found else None

    async def credentials(self, uids: Sequence[str]) -> list[Credential]:
        query = (
            sqlalchemy.select(*_CREDENTIAL)
            .join(Organization, col(Organization.id) == col(Device.organization_id))
            .where(col(Device.device_uid).in_(uids))
        )
        rows = await self._session.execute(query)
        return [Credential(*row) for row in rows]


def _told(organization_id: int | None) -> ColumnElement[bool]:
    """The purged ones too: a copy that was restored learns that they are gone."""
    return true() if organization_id is None else col(Device.organization_id) == organization_id


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
