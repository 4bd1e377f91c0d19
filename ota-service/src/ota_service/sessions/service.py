"""Use cases of update sessions: open, report, cancel, time out, and what a device is offered."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from ota_service.firmware.errors import FirmwareNotFound
from ota_service.firmware.schemas import Download, Wanted
from ota_service.firmware.service import FirmwareService
from ota_service.fleet.errors import DeviceNotFound
from ota_service.fleet.schemas import FleetDeviceRead
from ota_service.fleet.service import FleetService
from ota_service.manifests.schemas import Obstacle
from ota_service.manifests.service import ManifestService
from ota_service.sessions.errors import (
    DeviceNotCopied,
    DeviceNotUpdatable,
    FirmwareAmbiguous,
    NoFirmwareNamed,
    SessionEnded,
    SessionNotFound,
    SessionOpen,
    WrongTransition,
)
from ota_service.sessions.events import state_event, update_available, update_cancelled, update_refused
from ota_service.sessions.models import SessionReport, UpdateSession
from ota_service.sessions.rules import DEVICE_UNKNOWN, UPDATE_OPEN, Patience, is_step, progress_after
from ota_service.sessions.schemas import (
    DeviceReport,
    EndedSession,
    Offer,
    Opening,
    ReportRead,
    SessionDetail,
    SessionRead,
    Terms,
    UpdateCreate,
)
from ota_service.sessions.states import FINAL, SessionState, may_become
from ota_service.sessions.store import SessionStore
from shared.contracts.actions import UPDATES, ActionState
from shared.contracts.presence import PresenceState
from shared.errors import DomainError, ServiceUnavailable
from shared.http.pagination import Page, decode_cursor, page_of
from shared.ids import Ids
from shared.sql.unit_of_work import UnitOfWork

MOST_AT_ONCE = 1_000

_DEADLINE = "deadline"


class SessionService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: SessionStore,
        fleet: FleetService,
        firmware: FirmwareService,
        manifests: ManifestService,
        *,
        patience: Patience,
        ids: Ids,
    ) -> None:
        self._unit = unit
        self._store = store
        self._fleet = fleet
        self._firmware = firmware
        self._manifests = manifests
        self._patience = patience
        self._ids = ids

    async def open(
        self, organization_id: int, by: str, body: UpdateCreate, *, action_id: int | None = None
    ) -> SessionRead:
        """Begins the update of a device with an approved firmware; `action_id` is the action that it carries out.

        Raises DeviceNotFound, FirmwareNotFound, FirmwareNotApproved, DeviceNotUpdatable and SessionOpen.
        """
        terms = Terms((body.firmware_id,), body.deadline_s)
        opened, obstacles = await self._open(organization_id, by, [body.device_uid], terms, action_id=action_id)
        if session := opened.get(body.device_uid):
            return read(session)
        obstacle = obstacles[body.device_uid]
        if obstacle == DEVICE_UNKNOWN:
            raise DeviceNotFound
        if obstacle == UPDATE_OPEN:
            other = await self._store.open_of(organization_id, body.device_uid)
            raise SessionOpen(None if other is None else str(other.id))
        raise DeviceNotUpdatable(obstacle.reason, obstacle.detail)

    async def open_many(
        self, organization_id: int, by: str, uids: Sequence[str], terms: Terms, *, batch_id: int | None = None
    ) -> list[Opening]:
        """Begins the update of at most MOST_AT_ONCE devices, and says of each, in the order given, what came of it.

        The number of statements does not depend on that of the devices. Until the unit ends nobody else opens a session
        for any of them. The batch hears of their ends by `hear_ended`. Raises FirmwareNotFound and FirmwareNotApproved.
        """
        if len(uids) > MOST_AT_ONCE:
            raise ValueError(f"{len(uids)} devices are more than {MOST_AT_ONCE} at once")
        opened, obstacles = await self._open(organization_id, by, uids, terms, batch_id=batch_id)
        return [
            Opening(uid, opened[uid].id) if uid in opened else Opening(uid, None, **asdict(obstacles[uid]))
            for uid in uids
        ]

    async def _open(
        self,
        organization_id: int,
        by: str,
        uids: Sequence[str],
        terms: Terms,
        *,
        action_id: int | None = None,
        batch_id: int | None = None,
    ) -> tuple[dict[str, UpdateSession], dict[str, Obstacle]]:
        """The sessions that were opened and what was in the way of the others, by uid."""
        [firmware_id] = terms.firmware_ids
        firmware = await self._firmware.installable(organization_id, firmware_id)
        devices = await self._fleet.lock(organization_id, uids)
        busy = await self._store.open_devices(organization_id, devices)
        obstacles = {
            uid: UPDATE_OPEN if uid in devices else DEVICE_UNKNOWN for uid in uids if uid not in devices or uid in busy
        }
        free = [device for uid, device in devices.items() if uid not in busy]
        lasting = self._patience.initiated if terms.deadline_s is None else timedelta(seconds=terms.deadline_s)
        drawn = await self._manifests.draw_up(firmware, free, lasting=lasting + self._patience.after_initiated())
        sessions = [
            UpdateSession(
                id=draft.session_id,
                counter=draft.counter,
                organization_id=organization_id,
                device_uid=uid,
                firmware_id=firmware_id,
                firmware_name=firmware.name,
                firmware_version=firmware.version,
                previous_version=draft.device.firmware_version,
                deadline=draft.issued_at + lasting,
                manifest=draft.manifest,
                signature=draft.signature,
                key_id=draft.key_id,
                action_id=action_id,
                batch_id=batch_id,
                opened_by=by,
                opened_at=draft.issued_at,
                updated_at=draft.issued_at,
            )
            for uid, draft in drawn.drafts.items()
        ]
        await self._store.add(sessions)
        await self._store.note(
            *(SessionReport.of(session, f"person {by}", SessionState.INITIATED, before=None) for session in sessions)
        )
        for session in sessions:
            self._unit.outbox.add(state_event(session, before=None))
            self._announce(session)
        return {session.device_uid: session for session in sessions}, {**obstacles, **drawn.obstacles}

    async def carry_out(self, order: ActionState) -> None:
        """Opens the session of an action that is an update, or says why there is none. The same again changes nothing.

        An action whose deadline has passed has ended by itself. Raises DeviceNotCopied.
        """
        if order.action_type not in UPDATES or await self._store.of_action(order.action_id) is not None:
            return
        try:
            device = await self._fleet.get(order.organization_id, order.device_uid)
        except DeviceNotFound:
            raise DeviceNotCopied(order.device_uid) from None
        try:
            firmware_id = await self._meant(order, device)
            left = (order.deadline - await self._store.now()).total_seconds()
            if left >= 1:
                body = UpdateCreate(device_uid=order.device_uid, firmware_id=firmware_id, deadline_s=int(left))
                await self.open(order.organization_id, order.requested_by, body, action_id=order.action_id)
        except ServiceUnavailable:
            raise
        except DomainError as error:
            self._unit.outbox.add(update_refused(order, error))

    async def drop(self, order: ActionState) -> None:
        """Ends the session of an action that has ended before it."""
        session = await self._store.of_action(order.action_id)
        if session is not None and session.state not in FINAL:
            with suppress(WrongTransition):
                await self.cancel(session.organization_id, session.id, order.requested_by)

    async def _meant(self, order: ActionState, device: FleetDeviceRead) -> int:
        """The firmware that an action names: by id, or the one of its version that fits.

        Raises NoFirmwareNamed, FirmwareNotFound, FirmwareAmbiguous.
        """
        named, version = str(order.params.get("firmware_id", "")), order.params.get("version")
        if named.isascii() and named.isdigit() and 1 <= len(named) <= 18:
            return int(named)
        if named or not isinstance(version, str):
            raise NoFirmwareNamed
        fitting = await self._firmware.fitting(order.organization_id, version, device.hardware_version)
        if not fitting:
            raise FirmwareNotFound
        if len(fitting) > 1:
            raise FirmwareAmbiguous(version, sorted(firmware.name for firmware in fitting))
        assert fitting[0].id is not None  # noqa: S101 - it comes from the database
        return fitting[0].id

    async def get(self, organization_id: int, session_id: UUID) -> SessionDetail:
        """One session with its history. Raises SessionNotFound."""
        session = await self._find(organization_id, session_id)
        reports = await self._store.reports(session.id)
        return SessionDetail(
            **read(session).model_dump(),
            reports=[ReportRead.model_validate(report, from_attributes=True) for report in reports],
        )

    async def page(
        self,
        organization_id: int,
        *,
        device_uid: str | None,
        state: SessionState | None,
        cursor: str | None,
        limit: int,
    ) -> Page[SessionRead]:
        """The organization's sessions, the newest first."""
        before = decode_cursor(cursor, int)[0] if cursor else 2**63 - 1
        rows = await self._store.page(
            organization_id, device_uid=device_uid, state=state, before=before, limit=limit + 1
        )
        kept, following = page_of(rows, limit, lambda session: (session.counter,))
        return Page(items=[read(session) for session in kept], next=following)

    async def cancel(self, organization_id: int, session_id: UUID, by: str) -> SessionRead:
        """Ends an open session at once; the device's next report is refused.

        Raises SessionNotFound and WrongTransition.
        """
        session = await self._find(organization_id, session_id)
        return await self._become(session, SessionState.CANCELLED, by=f"person {by}", said=DeviceReport())

    async def cancel_many(self, organization_id: int, session_ids: Collection[UUID], by: str) -> int:
        """The same for those of these sessions that are open, in a constant number of statements; answers how many."""
        return await self._ended(await self._store.cancel(organization_id, session_ids), f"person {by}")

    async def hear_ended(self, batch_id: int, *, limit: int) -> list[EndedSession]:
        """Sessions of the batch that have ended, each told once, with the caller's transaction; at most `limit`."""
        return await self._store.hear_ended(batch_id, limit)

    async def report(
        self,
        organization_id: int,
        uid: str,
        session_id: UUID,
        target: SessionState,
        said: DeviceReport,
        *,
        by: str = "device",
    ) -> SessionRead:
        """What a device, or a gateway for it, says of its session; the same again changes nothing.

        Raises SessionNotFound and WrongTransition.
        """
        session = await self._find(organization_id, session_id, device_uid=uid)
        return await self._become(session, target, by=by, said=said)

    async def _become(
        self, session: UpdateSession, target: SessionState, *, by: str, said: DeviceReport
    ) -> SessionRead:
        """Tries until it has won or lost for good: whoever is faster brings the session nearer to its end."""
        while True:
            before = SessionState(session.state)
            if before == target and not (
                target == SessionState.DOWNLOADING and is_step(session.progress, said.progress)
            ):
                return read(session)
            if before != target and not may_become(before, target):
                refused = SessionReport.of(session, by, target, before=before, accepted=False, **said.model_dump())
                await self._store.note_refusal(refused)
                raise WrongTransition(before, target)
            changed = await self._store.move(
                session,
                target,
                lasting=self._patience.in_state(target),
                progress=progress_after(target, known=session.progress, said=said.progress),
                error=said.error if target == SessionState.FAILED else None,
            )
            if changed is not None:
                await self._store.note(SessionReport.of(changed, by, target, before=before, **said.model_dump()))
                self._changed(changed, before)
                return read(changed)
            session = await self._find(session.organization_id, session.id)

    async def time_out(self, limit: int) -> int:
        """Ends at most `limit` sessions that are past their deadline; answers how many."""
        return await self._ended(await self._store.time_out(limit), _DEADLINE)

    async def _ended(self, ended: Sequence[tuple[UpdateSession, SessionState]], by: str) -> int:
        """Tells of sessions, each with the state that it was in."""
        await self._store.note(
            *(SessionReport.of(session, by, SessionState(session.state), before=before) for session, before in ended)
        )
        for session, before in ended:
            self._changed(session, before)
        return len(ended)

    async def devices_connected(self, news: Sequence[PresenceState]) -> None:
        """Announces what they have not taken up yet: the queue of a connection before may have died with it.

        A device takes an announcement that it gets twice as one.
        """
        devices = {(item.organization_id, item.device_uid) for item in news if item.online}
        for session in await self._store.initiated_of(devices):
            self._announce(session)
        self._unit.outbox.devices_connected(uid for _, uid in devices)

    def _changed(self, session: UpdateSession, before: SessionState) -> None:
        self._unit.outbox.add(state_event(session, before=before))
        if before == SessionState.INITIATED:
            self._unit.outbox.withdraw([session.id])
        if session.state == SessionState.CANCELLED:
            until = session.updated_at + self._patience.after_initiated()
            self._unit.outbox.command(update_cancelled(session, id=self._ids.new(), deadline=until))

    def _announce(self, session: UpdateSession) -> None:
        self._unit.outbox.command(update_available(session))

    async def offers(self, organization_id: int, uid: str) -> list[Offer]:
        """What waits for the device, or is under way on it: one at the most."""
        session = await self._store.open_of(organization_id, uid)
        return [] if session is None else [_offer(session)]

    async def download(self, organization_id: int, uid: str, session_id: UUID, wanted: Wanted) -> Download:
        """The image of an open session.

        Raises SessionNotFound, SessionEnded and what FirmwareService.download raises.
        """
        session = await self._find(organization_id, session_id, device_uid=uid)
        if session.state in FINAL:
            raise SessionEnded(session.state)
        firmware = await self._firmware.find(organization_id, session.firmware_id)
        device = await self._fleet.get(organization_id, uid)
        return await self._firmware.download(firmware, wanted, site_id=device.site_id)

    async def _find(self, organization_id: int, session_id: UUID, *, device_uid: str | None = None) -> UpdateSession:
        session = await self._store.find(organization_id, session_id, device_uid=device_uid)
        if session is None:
            raise SessionNotFound
        return session


def read(session: UpdateSession) -> SessionRead:
    return SessionRead.model_validate({**session.model_dump(), "session_id": session.id})


def _offer(session: UpdateSession) -> Offer:
    assert session.deadline is not None  # noqa: S101 - an open session has one, the database sees to it
    return Offer(
        session_id=session.id,
        state=SessionState(session.state),
        manifest=session.manifest,
        signature=session.signature,
        key_id=session.key_id,
        download=f"/api/v2/device/{session.device_uid}/updates/{session.id}/file",
        deadline=session.deadline,
    )
