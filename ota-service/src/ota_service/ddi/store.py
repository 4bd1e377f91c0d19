"""Every query of this protocol, each for one device of one organization."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.batches.models import IS_OUTSIDE_WINDOW
from ota_service.ddi.models import MAX_REPORTS, DdiFeedback, DdiTarget
from ota_service.ddi.schemas import Waiting
from ota_service.firmware.models import Firmware
from ota_service.sessions.models import (
    IS_OPEN,
    SESSION_FIELDS,
    NewSession,
    Session,
    UpdateSession,
    UpdateSessionPart,
)
from ota_service.sessions.states import SessionState
from shared.contracts.devices import PURGED
from shared.sql.driver import read_first

_NOTE = text(
    f"""
    with next as (
        select coalesce(max(position), 0) + 1 as place from ddi_feedbacks where session_id = :session_id
    ), added as (
        insert into ddi_feedbacks (
            session_id, position, organization_id, execution, finished, progress, code, details, by
        )
        select :session_id, place, :organization_id, :execution, :finished, :progress, :code, :details, :by
        from next where place <= {MAX_REPORTS}
        on conflict do nothing
        returning position
    )
    select place, (select position from added) as added from next
    """  # noqa: S608 - a number
)

_KNOWN = f"""
    select tenant.organization_id, tenant.state as tenant_state, tenant.settings::text as settings,
        device.device_uid, device.lifecycle, device.min_token_generation, device.site_id,
        coalesce(target.attributes_wanted, true) as attributes_wanted,
        coalesce(target.auto_confirm, false) as auto_confirm,
        installed.counter as installed, {", ".join(f"session.{name} as session_{name}" for name in SESSION_FIELDS)},
        batch."window"::text as maintenance, device.attributes ->> 'time_zone' as time_zone, clock_timestamp() as now,
        extract(epoch from opening.at - clock_timestamp())::float as opens_in_s
    from tenants as tenant
    left join fleet_devices as device
        on device.device_uid = $2 and device.organization_id = tenant.organization_id
            and device.lifecycle <> '{PURGED}'
    left join ddi_targets as target
        on target.device_uid = $2 and target.organization_id = tenant.organization_id
    left join (
        select * from update_sessions where device_uid = $2 and {IS_OPEN.text}
    ) as session on session.organization_id = tenant.organization_id
    left join update_batches as batch on batch.id = session.batch_id
    left join lateral (
        select min(next_at) as at from batch_devices
        where device_uid = device.device_uid and {IS_OUTSIDE_WINDOW.text} and next_at > clock_timestamp()
    ) as opening on true
    left join lateral (
        select counter from update_sessions
        where device_uid = $2 and organization_id = tenant.organization_id and state = '{SessionState.COMPLETED}'
        order by counter desc limit 1
    ) as installed on true
    where tenant.slug = $1
    """  # noqa: S608 - constants
"""All that the answer to a poll is made of, by a row of each index: a fleet that polls asks nothing else."""


@dataclass(frozen=True, slots=True)
class KnownDevice:
    device_uid: str
    lifecycle: str
    min_token_generation: int
    site_id: int | None


@dataclass(frozen=True, slots=True)
class Known:
    """What a slug and a uid name: an organization, its device if the copy has it, what that has said here and what
    waits for it.
    """

    organization_id: int
    tenant_state: str
    settings: Mapping[str, Any]
    device: KnownDevice | None
    attributes_wanted: bool
    auto_confirm: bool
    waiting: Waiting | None
    maintenance: Mapping[str, Any] | None
    """The window of the batch that what waits is of."""
    time_zone: str | None
    now: datetime
    opens_in_s: float | None
    """When the next window opens for which the device is to be updated."""
    installed: int | None


class DdiStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def known(self, slug: str, uid: str) -> Known | None:
        """None when there is no such organization."""
        row = await read_first(self._session, _KNOWN, slug, uid)
        if row is None:
            return None
        device = waiting = None
        if row["device_uid"] is not None:
            device = KnownDevice(row["device_uid"], row["lifecycle"], row["min_token_generation"], row["site_id"])
        if row["session_id"] is not None:
            waiting = Waiting(NewSession(**{name: row[f"session_{name}"] for name in SESSION_FIELDS}))
        return Known(
            row["organization_id"],
            row["tenant_state"],
            json.loads(row["settings"]),
            device,
            row["attributes_wanted"],
            row["auto_confirm"],
            waiting,
            None if row["maintenance"] is None else json.loads(row["maintenance"]),
            row["time_zone"],
            row["now"],
            row["opens_in_s"],
            row["installed"],
        )

    async def session(self, organization_id: int, uid: str, counter: int) -> UpdateSession | None:
        """The session that this protocol names by its counter, as it is now."""
        query = select(UpdateSession).where(
            UpdateSession.counter == counter,
            UpdateSession.device_uid == uid,
            UpdateSession.organization_id == organization_id,
        )
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def firmware(self, session: Session) -> Sequence[Firmware]:
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
        # Two reports at once want the same place: the one that waited asks again, and finds the next.
        values = feedback.model_dump(exclude={"at", "position"})
        while (noted := (await self._session.execute(_NOTE, values)).one()).added is None:
            if noted.place > MAX_REPORTS:
                return False
        return True

    async def history(self, session: Session, limit: int) -> Sequence[DdiFeedback]:
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
        # What is there is written anew as it is: that locks it and answers it in one statement.
        query = (
            insert(DdiTarget)
            .values(organization_id=organization_id, device_uid=uid)
            .on_conflict_do_update(
                index_elements=["organization_id", "device_uid"], set_={"auto_confirm": DdiTarget.auto_confirm}
            )
            .returning(DdiTarget)
            .execution_options(populate_existing=True)
        )
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
