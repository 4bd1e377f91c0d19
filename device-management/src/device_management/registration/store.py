"""Every query about registration. A uid is unique on the platform, whoever has it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import sqlalchemy
from pydantic_core import to_json
from sqlalchemy import ARRAY, Text, and_, any_, cast, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from device_management.devices.models import Device
from device_management.registration.models import NewDevice, Stored
from shared.contracts.devices import PURGED
from shared.sql import copying

_ADD = text(
    """
    insert into devices as present (
        id, device_uid, organization_id, name, device_type, serial_number, hardware_version, lifecycle,
        reported_status, updates_enabled, attributes, tags, presence_version, installed_counter,
        min_token_generation, version, revision, registered_at, updated_at
    )
    select id, device_uid, :organization_id, name, device_type, serial_number, hardware_version, lifecycle,
           reported_status, updates_enabled, cast(attributes as jsonb),
           cast(tags as text[]), 0, 0, 1, 1, 1, :registered_at, :registered_at
    from unnest(
        cast(:id as bigint[]), cast(:device_uid as text[]), cast(:name as text[]), cast(:device_type as text[]),
        cast(:serial_number as text[]), cast(:hardware_version as text[]), cast(:lifecycle as text[]),
        cast(:reported_status as text[]), cast(:updates_enabled as boolean[]), cast(:attributes as text[]),
        cast(:tags as text[])
    ) with ordinality as proposed (
        id, device_uid, name, device_type, serial_number, hardware_version, lifecycle, reported_status, updates_enabled,
        attributes, tags, place
    )
    order by place
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
"""A purged device comes back to life under its own organization; any other uid that is there is left alone."""

_NEW_IDS = text("select array(select nextval('devices_id_seq') from generate_series(1, :count))")

_ADDED_AT_ONCE = 5_000
_COPIED_FROM = 500
"""Of fewer devices one statement costs less than a savepoint and a COPY."""

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

_COPIED = ("id", *_PLAIN, "attributes", "tags")

_ALIKE: Final = {
    "presence_version": copying.bigint(0),
    "installed_counter": copying.bigint(0),
    "min_token_generation": copying.integer(1),
    "version": copying.bigint(1),
    "revision": copying.bigint(1),
}
"""How every device begins."""

_NO_ATTRIBUTES = copying.jsonb(b"{}")
_NO_TAGS = copying.varchars(())
_word = lru_cache(1_000)(copying.text)
"""For words that many devices share."""


class RegistrationStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def new_ids(self, count: int) -> Sequence[int]:
        """Ids that no device has or will have but those they are given to."""
        return (await self._session.execute(_NEW_IDS, {"count": count})).scalar_one()

    async def add(
        self, organization_id: int, devices: Sequence[NewDevice], foreseen: Mapping[str, Stored]
    ) -> Mapping[str, Stored]:
        """Stores those whose uid is not taken, each under its id in `foreseen`, and answers them by uid.

        The devices come in the order of their uids, so that two calls with the same ones never wait for each other in a
        circle.
        """
        if len(devices) >= _COPIED_FROM and await self._copy(organization_id, devices, foreseen):
            return foreseen
        return await self._insert(organization_id, devices, foreseen)

    async def _copy(self, organization_id: int, devices: Sequence[NewDevice], foreseen: Mapping[str, Stored]) -> bool:
        """Stores all of them. False, and none is stored, when one of their uids is there already."""
        at = copying.timestamptz(devices[0].registered_at)
        alike = {"organization_id": copying.integer(organization_id), "registered_at": at, "updated_at": at, **_ALIKE}
        given = b"".join(alike.values())
        rows = (_row(foreseen[device.device_uid].id, device) + given for device in devices)
        try:
            async with self._session.begin_nested():
                await copying.copy_rows(self._session, "devices", (*_COPIED, *alike), rows)
        except IntegrityError:
            return False
        return True

    async def _insert(
        self, organization_id: int, devices: Sequence[NewDevice], foreseen: Mapping[str, Stored]
    ) -> dict[str, Stored]:
        stored: dict[str, Stored] = {}
        for start in range(0, len(devices), _ADDED_AT_ONCE):
            some = devices[start : start + _ADDED_AT_ONCE]
            columns = {name: [getattr(device, name) for device in some] for name in _PLAIN}
            rows = await self._session.execute(
                _ADD,
                {
                    **columns,
                    "id": [foreseen[device.device_uid].id for device in some],
                    "attributes": [_json(device.attributes).decode() for device in some],
                    "tags": [_array(device.tags) for device in some],
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


def _row(id_: int, device: NewDevice) -> bytes:
    """The values of `_COPIED`."""
    return b"".join(
        (
            copying.bigint(id_),
            copying.text(device.device_uid),
            copying.text(device.name),
            _word(device.device_type),
            copying.text(device.serial_number),
            _word(device.hardware_version),
            _word(device.lifecycle),
            _word(device.reported_status),
            copying.boolean(device.updates_enabled),
            copying.jsonb(to_json(device.attributes)) if device.attributes else _NO_ATTRIBUTES,
            copying.varchars(device.tags) if device.tags else _NO_TAGS,
        )
    )


def _json(attributes: Mapping[str, Any]) -> bytes:
    return to_json(attributes) if attributes else b"{}"


def _array(words: Sequence[str]) -> str:
    """PostgreSQL's literal of an array of texts: an array of arrays would need all of them to be of one length."""
    quoted = ('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    return "{" + ",".join(quoted) + "}"
