"""Every query of this protocol, each for one device of one organization."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.ddi.models import MAX_REPORTS, DdiFeedback, DdiTarget
from ota_service.firmware.models import Firmware
from ota_service.fleet.models import FleetDevice
from ota_service.sessions.models import IS_OPEN, UpdateSession, UpdateSessionPart
from ota_service.sessions.states import SessionState
from ota_service.tenants.models import Tenant
from shared.contracts.devices import PURGED


@dataclass(frozen=True)
class Known:
    """What a slug and a uid name: an organization, its device if the copy has it, and what that has said here."""

    tenant: Tenant
    device: FleetDevice | None
    target: DdiTarget | None


class DdiStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def known(self, slug: str, uid: str) -> Known | None:
        """None when there is no such organization."""
        query = (
            select(Tenant, FleetDevice, DdiTarget)
            .outerjoin(
                FleetDevice,
                and_(
                    col(FleetDevice.device_uid) == uid,
                    col(FleetDevice.organization_id) == Tenant.organization_id,
                    col(FleetDevice.lifecycle) != PURGED,
                ),
            )
            .outerjoin(
                DdiTarget,
                and_(col(DdiTarget.device_uid) == uid, col(DdiTarget.organization_id) == Tenant.organization_id),
            )
            .where(Tenant.slug == slug)
        )
        row = (await self._session.execute(query)).first()
        return None if row is None else Known(row[0], row[1], row[2])

    async def open_and_last(self, organization_id: int, uid: str) -> tuple[UpdateSession | None, UpdateSession | None]:
        """The device's open session, and the last that was completed."""
        completed: ColumnElement[bool] = col(UpdateSession.state) == SessionState.COMPLETED
        query = (
            select(UpdateSession)
            .where(
                UpdateSession.device_uid == uid,
                UpdateSession.organization_id == organization_id,
                or_(IS_OPEN, completed),
            )
            .order_by(col(UpdateSession.counter).desc())
            .limit(2)
        )
        found = (await self._session.scalars(query)).all()
        last = next((session for session in found if session.state == SessionState.COMPLETED), None)
        return next((session for session in found if session.state != SessionState.COMPLETED), None), last

    async def session(self, organization_id: int, uid: str, counter: int) -> UpdateSession | None:
        """The session that this protocol names by its counter, as it is now."""
        query = select(UpdateSession).where(
            UpdateSession.counter == counter,
            UpdateSession.device_uid == uid,
            UpdateSession.organization_id == organization_id,
        )
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def firmware(self, session: UpdateSession) -> Sequence[Firmware]:
        """What a session that was found before installs, in order."""
        query = (
            select(Firmware)
            .join(UpdateSessionPart, col(UpdateSessionPart.firmware_id) == Firmware.id)
            .where(UpdateSessionPart.session_id == session.id, Firmware.organization_id == session.organization_id)
            .order_by(col(UpdateSessionPart.position))
        )
        return (await self._session.scalars(query)).all()

    async def note(self, feedback: DdiFeedback) -> bool:
        """Keeps a report as the next of its action. False when the action has as many as it may have."""
        # Two reports at once want the same place: the one that waited finds the next.
        while (position := await self._last_position(feedback) + 1) <= MAX_REPORTS:
            values = feedback.model_dump(exclude={"at"}) | {"position": position}
            added = insert(DdiFeedback).values(values).on_conflict_do_nothing().returning(col(DdiFeedback.position))
            if (await self._session.execute(added)).first() is not None:
                return True
        return False

    async def _last_position(self, feedback: DdiFeedback) -> int:
        query = select(func.max(DdiFeedback.position)).where(DdiFeedback.session_id == feedback.session_id)
        return (await self._session.scalar(query)) or 0

    async def history(self, session: UpdateSession, limit: int) -> Sequence[DdiFeedback]:
        """The latest reports on a session that was found before, the newest first."""
        query = (
            select(DdiFeedback)
            .where(DdiFeedback.session_id == session.id, DdiFeedback.organization_id == session.organization_id)
            .order_by(col(DdiFeedback.position).desc())
            .limit(limit)
        )
        return (await self._session.scalars(query)).all()

    async def locked(self, organization_id: int, uid: str) -> DdiTarget:
        """The device's row, made when it has none, locked until the transaction ends."""
        key = {"organization_id": organization_id, "device_uid": uid}
        await self._session.execute(insert(DdiTarget).values(**key).on_conflict_do_nothing())
        query = select(DdiTarget).filter_by(**key).with_for_update().execution_options(populate_existing=True)
        return (await self._session.scalars(query)).one()

    async def want_attributes(self, organization_id: int, uid: str) -> None:
        """Asks the device for its attributes anew; one without a row is asked anyway."""
        query = update(DdiTarget).where(
            col(DdiTarget.organization_id) == organization_id, col(DdiTarget.device_uid) == uid
        )
        await self._session.execute(query.values(attributes_wanted=True).execution_options(synchronize_session=False))

    async def ask_registration(self, organization_id: int, uid: str, *, again_after: timedelta) -> DdiTarget | None:
        """Writes down that registration is asked for now; None when it was asked for less than `again_after` ago."""
        now = func.clock_timestamp()
        query = (
            insert(DdiTarget)
            .values(organization_id=organization_id, device_uid=uid, registration_asked_at=now, version=1)
            .on_conflict_do_update(
                index_elements=["organization_id", "device_uid"],
                set_={"registration_asked_at": now, "version": DdiTarget.version + 1},
                where=or_(
                    col(DdiTarget.registration_asked_at).is_(None),
                    col(DdiTarget.registration_asked_at) < now - again_after,
                ),
            )
            .returning(DdiTarget)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one_or_none()
