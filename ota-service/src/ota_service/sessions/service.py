"""Use cases of update sessions: open, report, cancel, time out, and what a device is offered."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from uuid import UUID

from ota_service.firmware.schemas import Download, Wanted
from ota_service.firmware.service import FirmwareService
from ota_service.fleet.errors import DeviceNotFound
from ota_service.fleet.service import FleetService
from ota_service.installations.service import InstallationService
from ota_service.manifests.schemas import Bundle, Obstacle
from ota_service.manifests.service import ManifestService
from ota_service.presence.service import PresenceService
from ota_service.sessions.errors import (
    DeviceNotUpdatable,
    PartNotFound,
    SessionEnded,
    SessionHeld,
    SessionNotFound,
    SessionOpen,
    WrongTransition,
)
from ota_service.sessions.events import ANNOUNCED, command_about, command_id, offer, read, snapshot, state_event
from ota_service.sessions.models import NewReport, NewSession, Session, UpdateSession
from ota_service.sessions.rules import (
    DEVICE_UNKNOWN,
    UPDATE_OPEN,
    Patience,
    brought,
    opened,
    parts,
    passed,
    walk,
    when_cancelled,
    when_confirmed,
    when_refused,
)
from ota_service.sessions.schemas import (
    DeviceReport,
    EndedSession,
    Offer,
    Opening,
    Origin,
    PartRead,
    ReportRead,
    SessionDetail,
    SessionRead,
    Terms,
    UpdateCreate,
)
from ota_service.sessions.states import (
    BROKEN_OFF,
    FINAL,
    INSTALLED,
    SessionState,
    may_become,
    may_deny,
    may_report,
)
from ota_service.sessions.store import Change, SessionStore
from shared.contracts.presence import PresenceState
from shared.http.pagination import Page, decode_cursor, page_of
from shared.ids import Ids
from shared.outbox.commands import Command
from shared.sql.unit_of_work import UnitOfWork

MOST_AT_ONCE = 1_000

_DEADLINE = "deadline"
_DEVICE = "device"
_SOAK = "soak"


class SessionService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: SessionStore,
        fleet: FleetService,
        firmware: FirmwareService,
        manifests: ManifestService,
        installations: InstallationService,
        presence: PresenceService,
        *,
        patience: Patience,
        ids: Ids,
    ) -> None:
        self._unit = unit
        self._store = store
        self._fleet = fleet
        self._firmware = firmware
        self._manifests = manifests
        self._installations = installations
        self._presence = presence
        self._patience = patience
        self._ids = ids

    async def open(
        self, organization_id: int, by: str, body: UpdateCreate, *, action_id: int | None = None
    ) -> SessionRead:
        """Begins the update of a device with an approved firmware; `action_id` is the action that it carries out.

        Raises DeviceNotFound, FirmwareNotFound, FirmwareNotApproved, DeviceNotUpdatable and SessionOpen.
        """
        begun, obstacles = await self._open(organization_id, by, [body.device_uid], body.terms(), action_id=action_id)
        if session := begun.get(body.device_uid):
            return read(session)
        obstacle = obstacles[body.device_uid]
        if obstacle == DEVICE_UNKNOWN:
            raise DeviceNotFound
        if obstacle == UPDATE_OPEN:
            other = await self._store.open_of(organization_id, body.device_uid)
            raise SessionOpen(None if other is None else str(other.id))
        raise DeviceNotUpdatable(obstacle.reason, obstacle.detail)

    async def open_many(
        self, organization_id: int, by: str, uids: Sequence[str], terms: Terms, *, origin: Origin | None = None
    ) -> list[Opening]:
        """Begins the update of at most MOST_AT_ONCE devices, and says of each, in the order given, what came of it.

        The number of statements does not depend on that of the devices. Until the unit ends nobody else opens a session
        for any of them. A batch hears of their ends by `hear_ended`. Raises FirmwareNotFound and FirmwareNotApproved.
        """
        if len(uids) > MOST_AT_ONCE:
            raise ValueError(f"{len(uids)} devices are more than {MOST_AT_ONCE} at once")
        begun, obstacles = await self._open(organization_id, by, uids, terms, origin=origin)
        return [
            Opening(uid, begun[uid].id) if uid in begun else Opening(uid, None, **asdict(obstacles[uid]))
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
        origin: Origin | None = None,
    ) -> tuple[dict[str, NewSession], dict[str, Obstacle]]:
        """The sessions that were opened and what was in the way of the others, by uid."""
        bundle = Bundle(await self._firmware.bundle(organization_id, terms.firmware_ids), terms.floors, terms.force)
        devices = await self._fleet.lock(organization_id, uids)
        busy = await self._store.open_devices(organization_id, devices)
        obstacles = {
            uid: UPDATE_OPEN if uid in devices else DEVICE_UNKNOWN for uid in uids if uid not in devices or uid in busy
        }
        free = [device for uid, device in devices.items() if uid not in busy]
        lasting = self._patience.initiated if terms.deadline_s is None else timedelta(seconds=terms.deadline_s)
        valid = lasting + self._patience.after_initiated()
        drawn = await self._manifests.draw_up(organization_id, bundle, free, lasting=valid)
        drafts = drawn.drafts.values()
        sessions = [
            opened(draft, bundle, terms, by=by, lasting=lasting, action_id=action_id, origin=origin) for draft in drafts
        ]
        await self._store.add(sessions, [part for draft in drafts for part in parts(draft, bundle)])
        await self._tell([(session, None) for session in sessions], f"person {by}")
        return {session.device_uid: session for session in sessions}, {**obstacles, **drawn.obstacles}

    async def get(self, organization_id: int, session_id: UUID) -> SessionDetail:
        """One session with its parts and its history. Raises SessionNotFound."""
        session = await self._find(organization_id, session_id)
        parts_of, reports = await self._store.parts([session.id]), await self._store.reports(session.id)
        return SessionDetail(
            **read(session).model_dump(),
            parts=[PartRead.model_validate(part, from_attributes=True) for part in parts_of[session.id]],
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

    async def cancel(self, organization_id: int, session_id: UUID, by: str, *, force: bool = False) -> SessionRead:
        """Ends an open session at once, or asks a device that has begun to stop, which may refuse; `force` does not.

        Raises SessionNotFound and WrongTransition.
        """
        session = await self._find(organization_id, session_id)
        return read(await self._become(session, lambda state: [when_cancelled(state, force=force)], by=f"person {by}"))

    async def cancel_many(
        self, organization_id: int, session_ids: Collection[UUID], by: str, *, force: bool = False
    ) -> int:
        """The same for those of these sessions that are open, in a constant number of statements; answers how many."""
        stopping = self._patience.cancelling
        changes = await self._store.cancel(organization_id, session_ids, stopping=stopping, force=force)
        return await self._ended(changes, f"person {by}")

    async def refuse_cancel(
        self, organization_id: int, uid: str, session_id: UUID, said: DeviceReport, *, by: str = _DEVICE
    ) -> SessionRead:
        """A device that was to stop goes on where it was. Raises SessionNotFound and WrongTransition."""
        session = await self._find(organization_id, session_id, device_uid=uid)
        resumes = session.resumes
        return read(await self._become(session, lambda state: [when_refused(state, resumes)], by=by, said=said))

    async def confirm(self, organization_id: int, session_id: UUID, *, by: str, uid: str | None = None) -> SessionRead:
        """Consent to a held session, by its device if `uid` is given. Raises SessionNotFound and WrongTransition."""
        session = await self._find(organization_id, session_id, device_uid=uid)
        return read(await self._become(session, lambda state: [when_confirmed(state)], by=by))

    async def deny(self, organization_id: int, session_id: UUID, *, by: str, uid: str | None = None) -> SessionRead:
        """The end of a held session. Raises SessionNotFound and WrongTransition."""
        session = await self._find(organization_id, session_id, device_uid=uid)
        said = DeviceReport(error="consent was denied")
        return read(await self._become(session, lambda _: [SessionState.CANCELLED], by=by, said=said, may=may_deny))

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
        by: str = _DEVICE,
    ) -> SessionRead:
        """What a device, or a gateway for it, says of its session; the same again changes nothing.

        Raises SessionNotFound and WrongTransition.
        """
        session = await self._find(organization_id, session_id, device_uid=uid)
        return read(await self._become(session, lambda _: [target], by=by, said=said, may=may_report))

    async def report_all(
        self, session: Session, path: Callable[[SessionState], Sequence[SessionState]], said: DeviceReport, *, by: str
    ) -> Session:
        """The same of a session that was found before: each state of its `path` in turn, from the one that it is in.

        In one change. Raises WrongTransition.
        """
        return await self._become(session, path, by=by, said=said, may=may_report)

    async def _become(
        self,
        session: Session,
        path: Callable[[SessionState], Sequence[SessionState]],
        *,
        by: str,
        said: DeviceReport | None = None,
        may: Callable[[SessionState, SessionState], bool] = may_become,
    ) -> Session:
        """Tries until it has won or lost for good: whoever is faster brings the session nearer to its end.

        `path` tells what it becomes in turn from the state that it is in.
        """
        said = said or DeviceReport()
        while True:
            before = SessionState(session.state)
            try:
                steps = walk(session, path(before), said=said.progress, may=may)
            except WrongTransition as error:
                target = SessionState(error.target)
                refused = NewReport.of(session, by, target, before=before, accepted=False, **said.model_dump())
                await self._store.note_refusal(refused)
                raise
            if not steps:
                return session
            target = steps[-1].state
            changed = await self._store.move(
                session,
                target,
                lasting=self._patience.in_state(target, soak_s=session.soak_s),
                progress=steps[-1].progress,
                error=said.error if target in BROKEN_OFF else None,
                reports=[
                    NewReport.of(session, by, step.state, before=step.before, **said.model_dump()) for step in steps
                ],
                confirmed=any(step.confirms for step in steps),
            )
            if changed is not None:
                states = passed(changed, steps, self._patience)
                await self._publish([(state, step.before) for state, step in zip(states, steps, strict=True)])
                return changed
            session = await self._find(session.organization_id, session.id)

    async def time_out(self, limit: int) -> int:
        """Ends at most `limit` sessions that are past their deadline; answers how many."""
        return await self._ended(await self._store.time_out(limit), _DEADLINE)

    async def soak(self, limit: int) -> int:
        """Carries at most `limit` soaks on, and as many to their end; answers how many the greater of both was."""
        confirmed = await self._ended(await self._store.confirm_reported(limit), _DEVICE)
        return max(confirmed, await self._ended(await self._store.end_soaks(limit), _SOAK))

    async def seen(self, organization_id: int, uid: str) -> None:
        """A sign of life, with which the soak of a device may end that never was on the broker."""
        await self._ended(await self._store.end_soak_of(organization_id, uid), _SOAK)

    async def _ended(self, changes: Sequence[Change], by: str) -> int:
        await self._tell(changes, by)
        return len(changes)

    async def _tell(self, changes: Sequence[Change], by: str) -> None:
        """Keeps and publishes what sessions have become, in a constant number of statements."""
        await self._store.keep(changes, by)
        await self._publish(changes)

    async def _publish(self, changes: Sequence[Change]) -> None:
        for session, before in changes:
            self._unit.outbox.add(state_event(session, before=before))
        self._unit.outbox.withdraw(
            command_id(session.id, before, session.version - 1)
            for session, before in changes
            if before is not None and before in ANNOUNCED
        )
        await self._announce([session for session, before in changes if before != SessionState.CANCELLING])
        installed = {session.id: session for session, _ in changes if session.state in INSTALLED}
        if installed:
            parts_of = await self._store.parts(installed)
            await self._installations.record(
                [one for session in installed.values() for one in brought(session, parts_of[session.id])]
            )

    async def follow(self, news: Sequence[PresenceState]) -> None:
        """Takes over who is connected, and announces to who comes what waits for it.

        The queue of a connection before may have died with it, and a device takes an announcement that it gets twice as
        one.
        """
        await self._presence.follow(news)
        devices = {(item.organization_id, item.device_uid) for item in news if item.online}
        if devices:
            for command in self._commands(await self._store.waiting_of(devices)):
                self._unit.outbox.command(command)
            self._unit.outbox.devices_connected(uid for _, uid in devices)

    async def tell_again(self, uids: Collection[str]) -> None:
        """Tells the newest session of each of these devices again, for copies that lost it."""
        for session in await self._store.newest_of(uids):
            self._unit.outbox.add(snapshot(session))

    async def _announce(self, sessions: Iterable[Session]) -> None:
        """To devices that are away when they come: `follow` and this wait for each other."""
        commands = self._commands(sessions)
        online = await self._presence.online([command.device_uid for command in commands])
        for command in commands:
            self._unit.outbox.command(replace(command, parked=command.device_uid not in online))

    def _commands(self, sessions: Iterable[Session]) -> list[Command]:
        most = self._patience.after_initiated()
        commands = (command_about(session, until=session.updated_at + most) for session in sessions)
        return [command for command in commands if command is not None]

    async def offers(self, organization_id: int, uid: str) -> list[Offer]:
        """What waits for the device, or is under way on it: one at the most."""
        session = await self._store.open_of(organization_id, uid)
        if session is not None and session.soak_s is not None:
            await self.seen(organization_id, uid)
            session = await self._store.open_of(organization_id, uid)
        return [] if session is None else [offer(session, (await self._store.parts([session.id]))[session.id])]

    async def download(
        self, organization_id: int, uid: str, session_id: UUID, wanted: Wanted, *, position: int
    ) -> Download:
        """The image of one part of an open session.

        Raises SessionNotFound, SessionEnded, SessionHeld, PartNotFound and what FirmwareService.download raises.
        """
        session = await self._find(organization_id, session_id, device_uid=uid)
        if session.state in FINAL:
            raise SessionEnded(session.state)
        if session.state == SessionState.HELD:
            raise SessionHeld
        parts_of = await self._store.parts([session.id])
        part = next((part for part in parts_of[session.id] if part.position == position), None)
        if part is None:
            raise PartNotFound
        firmware = await self._firmware.find(organization_id, part.firmware_id)
        device = await self._fleet.get(organization_id, uid)
        return await self._firmware.download(firmware, wanted, site_id=device.site_id)

    async def _find(self, organization_id: int, session_id: UUID, *, device_uid: str | None = None) -> UpdateSession:
        session = await self._store.find(organization_id, session_id, device_uid=device_uid)
        if session is None:
            raise SessionNotFound
        return session
