"""Every query about firmware, each within an organization."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, or_, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col, select

from ota_service.firmware.models import Firmware, FirmwareApproval, FirmwarePolicy
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
        """Those of this version under any name, in whichever state, without their `pieces`."""
        query = (
            select(Firmware)
            .where(Firmware.organization_id == organization_id, Firmware.version == version)
            .order_by(col(Firmware.id))
            .options(defer(Firmware.pieces, raiseload=True))  # pyright: ignore[reportArgumentType] - SQLModel's typing
        )
        return (await self._session.scalars(query)).all()

    async def named(
        self, organization_id: int, *, ids: Collection[int], versions: Collection[tuple[str, str]]
    ) -> Sequence[Firmware]:
        """Those of these ids, and of these names and versions, without their `pieces`."""
        by_version = tuple_(col(Firmware.name), col(Firmware.version)).in_(versions)
        query = (
            select(Firmware)
            .where(Firmware.organization_id == organization_id, or_(col(Firmware.id).in_(ids), by_version))
            .options(defer(Firmware.pieces, raiseload=True))  # pyright: ignore[reportArgumentType] - SQLModel's typing
        )
        return (await self._session.scalars(query)).all()

    async def names_of(self, organization_id: int, versions: Collection[str]) -> dict[str, set[str]]:
        """The names of the firmware that has each of these versions."""
        query = select(Firmware.version, Firmware.name).where(
            Firmware.organization_id == organization_id, col(Firmware.version).in_(versions)
        )
        found: dict[str, set[str]] = {}
        for version, name in await self._session.execute(query):
            found.setdefault(version, set()).add(name)
        return found

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

    async def lock(self, organization_id: int, firmware_id: int) -> Firmware | None:
        """For a change of its state."""
        query = select(Firmware).where(Firmware.id == firmware_id, Firmware.organization_id == organization_id)
        return (await self._session.scalars(query.with_for_update())).one_or_none()

    async def lock_all(self, organization_id: int, firmware_ids: Collection[int]) -> Sequence[Firmware]:
        """So that their states stay as they are until this transaction ends. Without their `pieces`."""
        query = (
            select(Firmware)
            .where(col(Firmware.id).in_(firmware_ids), Firmware.organization_id == organization_id)
            .order_by(col(Firmware.id))
            .with_for_update(read=True)
            .options(defer(Firmware.pieces, raiseload=True))  # pyright: ignore[reportArgumentType] - SQLModel's typing
        )
        return (await self._session.scalars(query)).all()

    async def add_approval(self, firmware_id: int, by: str) -> None:
        """The same person's a second time changes nothing."""
        query = insert(FirmwareApproval).values(firmware_id=firmware_id, by=by)
        await self._session.execute(query.on_conflict_do_nothing(index_elements=["firmware_id", "by"]))

    async def approvals(self, firmware_id: int) -> Sequence[FirmwareApproval]:
        """Those of a firmware that was found before, the oldest first."""
        query = select(FirmwareApproval).where(FirmwareApproval.firmware_id == firmware_id)
        return (await self._session.scalars(query.order_by(col(FirmwareApproval.at)))).all()

    async def become(self, firmware: Firmware, state: FirmwareState, **changes: str) -> Firmware:
        """A firmware that this transaction holds the lock of, in its new state from now on."""
        at = {f"{state}_at": func.clock_timestamp()}
        query = (
            update(Firmware)
            .where(col(Firmware.id) == firmware.id)
            .values(state=state, **at, **changes)
            .returning(Firmware)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def policy(self, organization_id: int) -> FirmwarePolicy | None:
        query = select(FirmwarePolicy).where(FirmwarePolicy.organization_id == organization_id)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def put_policy(self, organization_id: int, approvals: int, by: str, *, seen: int) -> FirmwarePolicy | None:
        """The organization's policy, a version after `seen`; None when another was faster."""
        proposed = insert(FirmwarePolicy).values(organization_id=organization_id, approvals=approvals, changed_by=by)
        changes = {
            "approvals": approvals,
            "changed_by": by,
            "changed_at": func.clock_timestamp(),
            "version": FirmwarePolicy.version + 1,
        }
        query = proposed.on_conflict_do_update(
            index_elements=["organization_id"], set_=changes, where=col(FirmwarePolicy.version) == seen
        )
        answer = query.returning(FirmwarePolicy).execution_options(populate_existing=True)
        return (await self._session.scalars(answer)).one_or_none()

    async def known_blobs(self, blobs: Collection[str]) -> set[str]:
        """Those of `blobs` that a firmware names, of whichever organization."""
        return set((await self._session.scalars(select(Firmware.blob).where(col(Firmware.blob).in_(blobs)))).all())
