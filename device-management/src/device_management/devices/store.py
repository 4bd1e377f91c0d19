"""Every query about devices. What belongs to a tenant takes the organization; another's device is not found."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy
from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Text, cast, false, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.devices.models import Credential, Device, Presence
from shared.contracts.routes import DEVICE_UID

_MAX_ID = 2**63 - 1


_CREDENTIAL = (
    col(Device.device_uid),
    col(Device.organization_id),
    col(Device.lifecycle),
    col(Device.min_token_generation),
    col(Device.token_expires_at),
    col(Device.tokens_revoked_at),
)


class DeviceStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, device: Device) -> Device | None:
        """The stored device, or None when its uid is taken."""
        values = device.model_dump(exclude={"id"})
        query = insert(Device).values(values).on_conflict_do_nothing(index_elements=["device_uid"]).returning(Device)
        return (await self._session.scalars(query)).one_or_none()

    async def find(self, organization_id: int, reference: str) -> Device | None:
        query = select(Device).where(Device.organization_id == organization_id, _is(reference))
        return (await self._session.scalars(query)).one_or_none()

    async def page(self, organization_id: int, *, after_id: int, limit: int) -> Sequence[Device]:
        query = select(Device).where(Device.organization_id == organization_id, col(Device.id) > after_id)
        return (await self._session.scalars(query.order_by(col(Device.id)).limit(limit))).all()

    async def note_token_expiry(self, device: Device, expires_at: datetime) -> None:
        """Remembers the latest expiry of the device's tokens; no change of its public state."""
        latest = func.greatest(func.coalesce(Device.token_expires_at, expires_at), expires_at)
        await self._session.execute(update(Device).where(col(Device.id) == device.id).values(token_expires_at=latest))

    async def revoke_tokens(self, device: Device) -> Device:
        """Refuses every token issued so far; a new version of the device, by the database's clock."""
        query = (
            update(Device)
            .where(col(Device.id) == device.id)
            .values(
                min_token_generation=Device.min_token_generation + 1,
                token_expires_at=None,
                tokens_revoked_at=func.clock_timestamp(),
                version=Device.version + 1,
                revision=Device.revision + 1,
                updated_at=func.now(),
            )
            .returning(Device)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def apply_presence(self, changes: Sequence[Presence]) -> Sequence[Device]:
        """Takes over newer presences in one statement and returns the devices that changed."""
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

    async def credential(self, uid: str) -> Credential | None:
        """Of any organization: the broker knows no tenants, and a uid is unique on the platform."""
        row = (
            await self._session.execute(sqlalchemy.select(*_CREDENTIAL).where(col(Device.device_uid) == uid))
        ).one_or_none()
        return None if row is None else Credential(*row)

    async def credentials(self, uids: Sequence[str]) -> list[Credential]:
        rows = await self._session.execute(sqlalchemy.select(*_CREDENTIAL).where(col(Device.device_uid).in_(uids)))
        return [Credential(*row) for row in rows]


def _is(reference: str) -> ColumnElement[bool]:
    """By id, when it is all digits, else by uid; what can be neither matches nothing and asks nothing of the index."""
    if reference.isascii() and reference.isdigit():
        number = int(reference) if len(reference) <= 19 else 0
        return col(Device.id) == (number if number <= _MAX_ID else 0)
    return col(Device.device_uid) == reference if DEVICE_UID.fullmatch(reference) else false()
