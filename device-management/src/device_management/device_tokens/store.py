"""Every query about rotations, what issuing leaves on a device's row, and what decides whether a token is good."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy
from sqlalchemy import ARRAY, Text, any_, cast, delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.device_tokens.models import Credential, TokenRotation
from device_management.devices.models import Device
from device_management.organizations.models import Organization
from device_management.organizations.states import OrganizationStatus

_CREDENTIAL = (
    col(Device.device_uid),
    col(Device.organization_id),
    col(Device.lifecycle),
    col(Device.min_token_generation),
    col(Device.token_expires_at),
    col(Device.tokens_revoked_at),
    col(Organization.state) == OrganizationStatus.SUSPENDED,
)


class DeviceTokenStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def note_expiry(self, device_id: int | None, expires_at: datetime) -> None:
        """Remembers the latest expiry of the device's tokens; no change of its public state."""
        latest = func.greatest(func.coalesce(Device.token_expires_at, expires_at), expires_at)
        await self._session.execute(update(Device).where(col(Device.id) == device_id).values(token_expires_at=latest))

    async def follow(self, organization_id: int, device_id: int) -> int | None:
        """While tokens of the device are good: the generation after theirs, and they are refused when the last expires.

        None when there are none.
        """
        query = (
            update(Device)
            .where(
                col(Device.id) == device_id,
                col(Device.organization_id) == organization_id,
                col(Device.token_expires_at) > func.now(),
            )
            .values(newest_token_generation=Device.newest_token_generation + 1)
            .returning(col(Device.newest_token_generation), col(Device.token_expires_at))
            .execution_options(synchronize_session=False)
        )
        row = (await self._session.execute(query)).one_or_none()
        if row is None:
            return None
        generation, due_at = row
        assert due_at is not None  # noqa: S101 - it was compared with
        self._session.add(
            TokenRotation(device_id=device_id, generation=generation, organization_id=organization_id, due_at=due_at)
        )
        return generation

    async def begin(self, organization_id: int, device_id: int, overlap: timedelta) -> TokenRotation:
        """The next generation, and when those before it end."""
        query = (
            update(Device)
            .where(col(Device.id) == device_id, col(Device.organization_id) == organization_id)
            .values(newest_token_generation=Device.newest_token_generation + 1)
            .returning(col(Device.newest_token_generation), func.now() + overlap)
            .execution_options(synchronize_session=False)
        )
        generation, due_at = (await self._session.execute(query)).one()
        rotation = TokenRotation(
            device_id=device_id, generation=generation, organization_id=organization_id, due_at=due_at
        )
        self._session.add(rotation)
        return rotation

    async def take_due(self, limit: int) -> Sequence[TokenRotation]:
        """Takes away rotations that are due by the database's clock, but for those in another worker's hands."""
        due = (
            select(TokenRotation.device_id, TokenRotation.generation)
            .where(col(TokenRotation.due_at) <= func.now())
            .order_by(col(TokenRotation.device_id), col(TokenRotation.generation))
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        query = (
            delete(TokenRotation)
            .where(col(TokenRotation.device_id) == due.c.device_id, col(TokenRotation.generation) == due.c.generation)
            .returning(TokenRotation)
        )
        taken = (await self._session.scalars(query)).all()
        return sorted(taken, key=lambda rotation: (rotation.device_id, rotation.generation))

    async def credential(self, uid: str) -> Credential | None:
        """Of any organization: the broker knows no tenants, and a uid is unique on the platform."""
        found = await self.credentials([uid])
        return found[0] if found else None

    async def credentials(self, uids: Sequence[str]) -> list[Credential]:
        query = (
            sqlalchemy.select(*_CREDENTIAL)
            .join(Organization, col(Organization.id) == col(Device.organization_id))
            .where(col(Device.device_uid) == any_(cast(list(uids), ARRAY(Text))))
        )
        rows = await self._session.execute(query)
        return [Credential(*row) for row in rows]
