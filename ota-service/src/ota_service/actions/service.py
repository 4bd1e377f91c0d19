"""Use cases of update actions."""

from contextlib import suppress
from datetime import timedelta

from ota_service.actions.errors import DeviceNotCopied, FirmwareAmbiguous, NoFirmwareNamed
from ota_service.actions.events import update_refused
from ota_service.actions.rules import fitting, why_none
from ota_service.actions.store import ActionStore
from ota_service.firmware.errors import FirmwareNotFound
from ota_service.firmware.service import FirmwareService
from ota_service.fleet.errors import DeviceNotFound
from ota_service.fleet.schemas import FleetDeviceRead
from ota_service.fleet.service import FleetService
from ota_service.sessions.errors import WrongTransition
from ota_service.sessions.schemas import UpdateCreate
from ota_service.sessions.service import SessionService
from ota_service.sessions.states import FINAL
from shared.contracts.actions import UPDATES, ActionState
from shared.errors import DomainError, ServiceUnavailable
from shared.sql.unit_of_work import UnitOfWork

_REMEMBERED = timedelta(days=31)
"""An action lasts 30 days at the most, and one whose deadline has passed is not carried out anyway."""

_MAX_VERSION = 100
"""Characters of a version that are told: what an action asks for is no version yet."""


class ActionService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: ActionStore,
        fleet: FleetService,
        firmware: FirmwareService,
        sessions: SessionService,
    ) -> None:
        self._unit = unit
        self._store = store
        self._fleet = fleet
        self._firmware = firmware
        self._sessions = sessions

    async def carry_out(self, order: ActionState) -> None:
        """Opens the session of an action that is an update, or says why there is none. The same again changes nothing.

        An action that has ended gets none, though its end was heard of first: one that waited for its device's copy is
        overtaken. One whose deadline has passed has ended by itself. Raises DeviceNotCopied.
        """
        if order.action_type not in UPDATES:
            return
        await self._store.lock(order.action_id)
        if await self._store.session_of(order.action_id) or await self._store.has_ended(order.action_id):
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
                await self._sessions.open(order.organization_id, order.requested_by, body, action_id=order.action_id)
        except ServiceUnavailable:
            raise
        except DomainError as error:
            self._unit.outbox.add(update_refused(order, error))

    async def drop(self, order: ActionState) -> None:
        """Ends the session of an action that has ended before it, or sees to it that none is opened."""
        if order.action_type not in UPDATES:
            return
        await self._store.lock(order.action_id)
        session = await self._store.session_of(order.action_id)
        if session is None:
            await self._store.end(order.organization_id, order.action_id)
        elif session.state not in FINAL:
            with suppress(WrongTransition):
                await self._sessions.cancel(session.organization_id, session.id, order.requested_by)

    async def forget_ended(self) -> None:
        """Forgets actions that ended before they had a session, once news of their start would change nothing."""
        await self._store.forget_ended(_REMEMBERED)

    async def _meant(self, order: ActionState, device: FleetDeviceRead) -> int:
        """The firmware that an action names: by id, or the one of its version that fits.

        Raises NoFirmwareNamed, FirmwareNotFound, FirmwareAmbiguous.
        """
        named, version = str(order.params.get("firmware_id", "")), order.params.get("version")
        if named.isascii() and named.isdigit() and 1 <= len(named) <= 18:
            return int(named)
        if named or not isinstance(version, str):
            raise NoFirmwareNamed
        known = await self._firmware.of_version(order.organization_id, version)
        meant = fitting(known, device.hardware_version)
        if not meant:
            raise FirmwareNotFound(why_none(version[:_MAX_VERSION], known, device.hardware_version))
        if len(meant) > 1:
            raise FirmwareAmbiguous(version, sorted(firmware.name for firmware in meant))
        assert meant[0].id is not None  # noqa: S101 - it comes from the database
        return meant[0].id
