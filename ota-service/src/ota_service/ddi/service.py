"""Use cases of the protocol: let a device in, tell it what waits, take its reports, serve its artifacts."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from ota_service.batch_runs.service import BatchRunService
from ota_service.ddi.errors import (
    ActionGone,
    ActionNotFound,
    ActionRefused,
    ArtifactNotFound,
    NotAdmitted,
    NotBeingCancelled,
    TargetNotFound,
    TooManyAttributes,
    TooManyReports,
)
from ota_service.ddi.events import attributes_reported, registration_requested
from ota_service.ddi.models import MAX_REPORTS, DdiFeedback
from ota_service.ddi.rules import (
    LEAST_POLL_SECONDS,
    answers_cancel,
    attributes_after,
    checksum,
    meaning,
    offered,
    preferences,
    progress,
    sleep,
    steps,
)
from ota_service.ddi.schemas import (
    MAX_ATTRIBUTES,
    Caller,
    ConfigData,
    ConfirmationFeedback,
    Consent,
    Feedback,
    Offer,
    Offered,
    Poll,
)
from ota_service.ddi.store import DdiStore
from ota_service.firmware.models import Firmware
from ota_service.firmware.schemas import Download, Wanted
from ota_service.firmware.service import FirmwareService
from ota_service.fleet.errors import DeviceNotFound, DeviceRetired, DeviceTokenRevoked
from ota_service.fleet.service import FleetService, Hears
from ota_service.sessions.errors import WrongTransition
from ota_service.sessions.models import Session
from ota_service.sessions.schemas import DeviceReport
from ota_service.sessions.service import SessionService
from ota_service.sessions.states import FINAL, SessionState
from ota_service.tenants.states import SUSPENDED
from shared.clock import Clock
from shared.contracts.routes import DEVICE_UID
from shared.http.principal import Principal
from shared.sql.unit_of_work import UnitOfWork

_ASK_AGAIN = timedelta(minutes=1)
"""A device that nobody has registered yet asks often; device-management is told no more often than this."""

_MISSED_POLLS = 3
"""A device that has not asked for so many times its interval is not there."""

_MAX_ID = 2**63 - 1


@dataclass(frozen=True)
class Action:
    """An update as a client asks for it: the session, what it installs in order, and its latest reports."""

    session: Session
    firmware: Sequence[Firmware]
    reports: Sequence[DdiFeedback]
    window_is_open: bool | None = None
    """Whether it may be installed now; None where there is no maintenance window."""


class DdiService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: DdiStore,
        fleet: FleetService,
        firmware: FirmwareService,
        sessions: SessionService,
        presence: Hears,
        *,
        clock: Clock,
    ) -> None:
        self._unit = unit
        self._store = store
        self._fleet = fleet
        self._firmware = firmware
        self._sessions = sessions
        self._presence = presence
        self._clock = clock

    async def admit(self, who: Principal, slug: str, uid: str) -> Caller:
        """Lets a verified token in for a device below its organization's slug.

        Raises NotAdmitted, and TargetNotFound for a gateway's device that has been retired.
        """
        known = await self._store.known(slug, uid)
        if known is None or known.organization_id != who.organization_id or known.tenant_state == SUSPENDED:
            raise NotAdmitted
        chosen = preferences(known.settings)
        if not (chosen.target_token if who.is_device else chosen.gateway_token):
            raise NotAdmitted
        by = f"gateway {who.subject}"
        try:
            by = self._fleet.vouched(known.device, who).by
        except DeviceTokenRevoked:
            raise NotAdmitted from None
        except DeviceRetired:
            raise (NotAdmitted if who.is_device else TargetNotFound) from None
        except DeviceNotFound:
            if who.is_device:
                raise NotAdmitted from None
        if known.device is not None:
            self._presence.heard(uid, for_s=_MISSED_POLLS * chosen.poll_seconds)
        return Caller(
            organization_id=who.organization_id,
            uid=uid,
            by=by,
            preferences=chosen,
            known=known.device is not None,
            site_id=None if known.device is None else known.device.site_id,
            attributes_wanted=known.attributes_wanted,
            auto_confirm=known.auto_confirm,
            waiting=known.waiting,
            window_is_open=BatchRunService.window_is_open(known.maintenance, known.time_zone, now=known.now),
            opens_in_s=known.opens_in_s,
            installed=known.installed,
        )

    async def poll(self, caller: Caller) -> Poll:
        """What waits for the device. One that nobody knows yet is registered: device-management is asked for it."""
        if not caller.known:
            await self._ask_registration(caller)
            return Poll(LEAST_POLL_SECONDS)
        waiting, offer = caller.waiting, None
        if waiting is not None:
            state, confirmed = waiting.state, waiting.confirmed
            if state == SessionState.HELD and caller.auto_confirm:
                state = await self._confirm(caller, waiting.session)
            if state == SessionState.FLASHED:
                await self._sessions.seen(caller.organization_id, caller.uid)
            kind = offered(state, confirmed=confirmed)
            if kind is not None:
                offer = Offer(
                    kind, waiting.action, checksum(waiting.action, waiting.session.manifest, caller.window_is_open)
                )
        return Poll(
            seconds=sleep(caller.preferences, waits=waiting is not None, opens_in_s=caller.opens_in_s),
            offer=offer,
            installed=caller.installed,
            attributes_wanted=caller.attributes_wanted,
        )

    async def _ask_registration(self, caller: Caller) -> None:
        if not DEVICE_UID.fullmatch(caller.uid):
            raise TargetNotFound
        asked = await self._store.ask_registration(caller.organization_id, caller.uid, again_after=_ASK_AGAIN)
        if asked is not None:
            self._unit.outbox.add(registration_requested(asked, by=caller.by))

    async def deployment(self, caller: Caller, action: str, *, reports: int) -> Action:
        """The open action, with its latest `reports`; to read it is to take it up. Raises ActionNotFound."""
        session = await self._session(caller, action)
        if session.state in FINAL | {SessionState.HELD, SessionState.CANCELLING}:
            raise ActionNotFound
        if session.state == SessionState.INITIATED:
            session = await self._become(caller, session, SessionState.ACKNOWLEDGED, DeviceReport())
        return replace(await self._action(session, reports), window_is_open=caller.window_is_open)

    async def installed(self, caller: Caller, action: str, *, reports: int) -> Action:
        """An action that was completed. Raises ActionNotFound."""
        session = await self._session(caller, action)
        if session.state != SessionState.COMPLETED:
            raise ActionNotFound
        return await self._action(session, reports)

    async def report(self, caller: Caller, action: str, said: Feedback) -> None:
        """Takes a report; what a client closes has passed through the states that it did not name.

        Raises ActionNotFound, TooManyReports, ActionGone and ActionRefused.
        """
        session, target = await self._session(caller, action), meaning(said)
        if session.state == SessionState.HELD:
            raise ActionNotFound
        await self._note(caller, session, said)
        if session.state in FINAL or (session.confirmed_at is not None and target != SessionState.FAILED):
            raise ActionGone(session.state)
        if target in {None, SessionState.DOWNLOADING} and session.state == SessionState.CANCELLING:
            return
        target = target or SessionState.ACKNOWLEDGED
        error = "; ".join(said.status.details) or "the client closed with failure and said no more"
        told = DeviceReport(progress=progress(said), error=error if target == SessionState.FAILED else None)
        await self._become(caller, session, target, told)
        if target == SessionState.COMPLETED:
            await self._store.want_attributes(caller.organization_id, caller.uid)

    async def _become(self, caller: Caller, session: Session, target: SessionState, said: DeviceReport) -> Session:
        with _words_of_the_protocol():
            return await self._sessions.report_all(session, lambda state: steps(state, target), said, by=caller.by)

    async def cancellation(self, caller: Caller, action: str) -> int:
        """The action that is being cancelled. Raises ActionNotFound."""
        session = await self._session(caller, action)
        if session.state != SessionState.CANCELLING:
            raise ActionNotFound
        return session.counter

    async def report_cancellation(self, caller: Caller, action: str, said: Feedback) -> None:
        """The device stops, or goes on. Raises ActionNotFound, TooManyReports, ActionGone, NotBeingCancelled."""
        session = await self._session(caller, action)
        await self._note(caller, session, said)
        if session.state in FINAL:
            raise ActionGone(session.state)
        if session.state != SessionState.CANCELLING:
            raise NotBeingCancelled
        told = DeviceReport(error="; ".join(said.status.details) or None)
        stops = answers_cancel(said)
        if stops:
            await self._become(caller, session, SessionState.CANCELLED, told)
        elif stops is not None:
            with _words_of_the_protocol():
                await self._sessions.refuse_cancel(caller.organization_id, caller.uid, session.id, told, by=caller.by)

    async def confirmations(self, caller: Caller) -> Offer | None:
        """What waits for the user's consent, if anything does. Raises TargetNotFound."""
        self._require_known(caller)
        offer = (await self.poll(caller)).offer
        return offer if offer is not None and offer.kind == Offered.CONFIRMATION else None

    async def confirmation(self, caller: Caller, action: str, *, reports: int) -> Action:
        """What waits for the user's consent. Raises ActionNotFound."""
        session = await self._session(caller, action)
        if session.state != SessionState.HELD:
            raise ActionNotFound
        return replace(await self._action(session, reports), window_is_open=caller.window_is_open)

    async def report_confirmation(self, caller: Caller, action: str, said: ConfirmationFeedback) -> None:
        """The user's decision. Raises ActionNotFound, ActionGone."""
        session = await self._session(caller, action)
        if session.state != SessionState.HELD:
            raise ActionGone(session.state)
        if said.confirmation == Consent.CONFIRMED:
            await self._confirm(caller, session)
            return
        with _words_of_the_protocol():
            await self._sessions.deny(caller.organization_id, session.id, by=caller.by, uid=caller.uid)

    async def set_auto_confirm(self, caller: Caller, *, active: bool) -> None:
        """Whether the device consents beforehand; what waits for its consent has it then. Raises TargetNotFound."""
        self._require_known(caller)
        target = await self._store.locked(caller.organization_id, caller.uid)
        target.auto_confirm = active
        if active and caller.waiting is not None and caller.waiting.state == SessionState.HELD:
            await self._confirm(caller, caller.waiting.session)

    async def _confirm(self, caller: Caller, session: Session) -> SessionState:
        with _words_of_the_protocol():
            return (
                await self._sessions.confirm(caller.organization_id, session.id, by=caller.by, uid=caller.uid)
            ).state

    async def put_attributes(self, caller: Caller, config: ConfigData) -> None:
        """What the device says of itself, for device-management to take over.

        Raises TargetNotFound, TooManyAttributes.
        """
        self._require_known(caller)
        target = await self._store.locked(caller.organization_id, caller.uid)
        before, after = target.attributes, attributes_after(target.attributes, config.mode, config.data)
        if len(after) > MAX_ATTRIBUTES:
            raise TooManyAttributes(MAX_ATTRIBUTES)
        target.attributes_wanted = False
        if after != before:
            target.attributes = after
            target.version += 1
            self._unit.outbox.add(attributes_reported(target, by=caller.by, at=self._clock.now()))

    async def artifact(self, caller: Caller, module: str, filename: str, wanted: Wanted) -> Download:
        """The file, or a part of it; to ask for its bytes is to begin the download.

        Raises ArtifactNotFound, ActionGone and what FirmwareService.download raises.
        """
        session, firmware = await self._artifact(caller, module, filename)
        found = await self._firmware.download(firmware, wanted, etag=f'"{firmware.sha1}"', site_id=caller.site_id)
        if not wanted.head and session.state in {SessionState.INITIATED, SessionState.ACKNOWLEDGED}:
            await self._become(caller, session, SessionState.DOWNLOADING, DeviceReport())
        return found

    async def md5(self, caller: Caller, module: str, filename: str) -> str:
        """The line that `md5sum -c` reads. Raises ArtifactNotFound."""
        _, firmware = await self._artifact(caller, module, filename)
        return f"{firmware.md5}  {firmware.filename}"

    async def _artifact(self, caller: Caller, module: str, filename: str) -> tuple[Session, Firmware]:
        self._require_known(caller)
        if caller.waiting is None or caller.waiting.state == SessionState.HELD:
            raise ArtifactNotFound
        session = caller.waiting.session
        for firmware in await self._store.firmware(session):
            if (str(firmware.id), firmware.filename) == (module, filename):
                return session, firmware
        raise ArtifactNotFound

    async def _session(self, caller: Caller, action: str) -> Session:
        self._require_known(caller)
        counter = int(action) if action.isascii() and action.isdigit() and len(action) < 20 else 0
        session = None
        if caller.waiting is not None and caller.waiting.action == counter:
            session = caller.waiting.session
        elif counter <= _MAX_ID:
            session = await self._store.session(caller.organization_id, caller.uid, counter)
        if session is None:
            raise ActionNotFound
        return session

    async def _action(self, session: Session, reports: int) -> Action:
        firmware = await self._store.firmware(session)
        history = await self._store.history(session, reports) if reports else ()
        return Action(session, firmware, history)

    async def _note(self, caller: Caller, session: Session, said: Feedback) -> None:
        status = said.status
        feedback = DdiFeedback(
            session_id=session.id,
            position=0,
            organization_id=session.organization_id,
            execution=status.execution,
            finished=status.result.finished,
            progress=said.progress,
            code=status.code,
            details=status.details,
            by=caller.by,
        )
        if not await self._store.note(feedback):
            raise TooManyReports(MAX_REPORTS)

    def _require_known(self, caller: Caller) -> None:
        if not caller.known:
            raise TargetNotFound


@contextmanager
def _words_of_the_protocol() -> Generator[None]:
    """A transition that lost a race as what it means here."""
    try:
        yield
    except WrongTransition as error:
        state = SessionState(error.extra["state"])
        raise (ActionGone if state in FINAL else ActionRefused)(state) from None
