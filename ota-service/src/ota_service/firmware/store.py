"""Every query about firmware, each within an organization."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col, select

from ota_service.firmware.models import Firmware
from ota_service.firmware.states import FirmwareState


class FirmwareStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, firmware: Firmware) -> Firmware | None:
        """The stored firmware with the next release counter of its name; None when name and version are taken.

        Until the end of the transaction others that upload the same name wait: counters must not repeat.
        """
        name = f"{firmware.organization_id}/{firmware.name}"
        await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
        counter = select(func.coalesce(func.max(Firmware.release_counter), 0) + 1).where(
            Firmware.organization_id == firmware.organization_id, Firmware.name == firmware.name
        )
        values = firmware.model_dump(exclude={"id", "release_counter", "uploaded_at"})
        query = (
            insert(Firmware)
            .values(**values, release_counter=counter.scalar_subquery())
            .on_conflict_do_nothing(index_elements=["organization_id", "name", "version"])
            .returning(Firmware)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def find(self, organization_id: int, firmware_id: int) -> Firmware | None:
        query = select(Firmware).where(Firmware.id == firmware_id, Firmware.organization_id == organization_id)
        return (await self._session.scalars(query)).one_or_none()

    async def find_version(self, organization_id: int, name: str, version: str) -> Firmware | None:
        query = select(Firmware).where(
            Firmware.organization_id == organization_id, Firmware.name == name, Firmware.version == version
        )
        return (await self._session.scalars(query)).one_or_none()

    async def of_version(self, organization_id: int, version: str) -> Sequence[Firmware]:
        """The approved ones of this version under any name, without their `pieces`."""
        query = (
            select(Firmware)
            .where(
                Firmware.organization_id == organization_id,
                Firmware.version == version,
                Firmware.state == FirmwareState.APPROVED,
            )
            .options(defer(Firmware.pieces, raiseload=True))  # pyright: ignore[reportArgumentType] - SQLModel's typing
        )
        return (await self._session.scalars(query)).all()

    async def page(self, organization_id: int, *, after_id: int, limit: int) -> Sequence[Firmware]:
        """Without their `pieces`."""
        query = (
            select(Firmware)
            .where(Firmware.organization_id == organization_id, col(Firmware.id) > after_id)
            .order_by(col(Firmware.id))
            .limit(limit)
            .options(defer(Firmware.pieces, raiseload=True))  # pyright: ignore[reportArgumentType] - SQLModel's typing
        )
        return (await self._session.scalars(query)).all()

    async def approve(self, organization_id: int, firmware_id: int, by: str) -> Firmware | None:
        """The approved firmware; None when it is not there or not waiting for approval."""
        query = (
            update(Firmware)
            .where(
                col(Firmware.id) == firmware_id,
                col(Firmware.organization_id) == organization_id,
                col(Firmware.state) == FirmwareState.UPLOADED,
            )
            .values(state=FirmwareState.APPROVED, approved_by=by, approved_at=func.now())
            .returning(Firmware)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def known_blobs(self, blobs: Collection[str]) -> set[str]:
        """Those of `blobs` that a firmware names, of whichever organization."""
        return set((await self._session.scalars(select(Firmware.blob).where(col(Firmware.blob).in_(blobs)))).all())
