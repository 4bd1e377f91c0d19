"""Use cases of what devices are doing, as monitoring, ota-service, the actions that run and they themselves say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from device_management.audit.schemas import SYSTEM, Actor, Change
from device_management.audit.service import AuditService
from device_management.audit.states import ActorKind
from device_management.device_status.models import Ended, HeldDevice, Installed, Presence, Reported
from device_management.device_status.store import DeviceStatusStore
from device_management.devices.models import Device
from device_management.devices.service import DeviceService
from device_management.devices.states import Status
from shared.contracts.device_requests import DeviceAttributesReported
from shared.contracts.devices import DeviceChanged, DeviceFirmwareChanged
from shared.contracts.presence import PresenceState
from shared.contracts.reports import DeviceReport
from shared.contracts.updates import UpdateSessionState
from shared.sql.unit_of_work import UnitOfWork


class DeviceStatusService:
    def __init__(self, unit: UnitOfWork, store: DeviceStatusStore, devices: DeviceService, audit: AuditService) -> None:
        self._unit = unit
        self._store = store
        self._devices = devices
        self._audit = audit

    async def take_presence(self, news: Sequence[PresenceState]) -> None:
        """Takes over what monitoring says; of several about one device the newest, and an older one changes nothing.

        What waits for a device that connected is sent.
        """
        self._unit.outbox.devices_connected(item.device_uid for item in news if item.online)
        newest: dict[str, Presence] = {}
        for item in sorted(news, key=lambda state: state.version):
            newest[item.device_uid] = Presence(item.device_uid, item.online, item.version)
        self._devices.changed(await self._store.apply_presence(list(newest.values())))

    async def take_updates(self, installed: Sequence[UpdateSessionState], ended: Sequence[UpdateSessionState]) -> None:
        """Takes over what updates have put on devices: of several of one device the latest, never an earlier one.

        Of those that `ended` without success after all the device's own word stays, where it has said one.
        """
        latest = {
            item.device_uid: Installed(item.organization_id, item.device_uid, item.firmware_version, item.counter)
            for item in sorted(installed, key=lambda state: state.counter)
        }
        if latest:
            await self._firmware_changed(await self._store.install(list(latest.values())), SYSTEM)
        given_up = {
            item.device_uid: Ended(item.organization_id, item.device_uid, item.counter)
            for item in sorted(ended, key=lambda state: state.counter)
        }
        if given_up:
            await self._firmware_changed(await self._store.believe(list(given_up.values())), SYSTEM)

    async def take_reports(self, reports: Sequence[tuple[str, DeviceReport]]) -> None:
        """Takes over what devices say of themselves, as (uid, report) in the order of the queue.

        A device runs what it says, except that after an update only what it says from that version on is known to be
        later than the update. Unknown devices, and those that are over, are passed over.
        """
        said: dict[str, Reported] = {}
        for uid, report in reports:
            before = said.get(uid, Reported(uid, (), None))
            said[uid] = Reported(
                uid,
                (*before.firmware_versions, *([report.firmware_version] if report.firmware_version else [])),
                before.attributes if report.attributes is None else report.attributes,
            )
        taken = await self._store.report(list(said.values()))
        same_firmware = [
            item.device for item in taken if item.changed and item.device.firmware_version == item.firmware_before
        ]
        self._devices.tell(DeviceChanged, same_firmware)
        await self._firmware_changed([(item.device, item.firmware_before) for item in taken], Actor(ActorKind.DEVICE))
        self._devices.changed([item.device for item in taken])

    async def take_attributes(self, news: Sequence[DeviceAttributesReported]) -> None:
        """Takes over what devices say of themselves through ota-service: of several of one device the latest."""
        latest = {item.device_uid: item for item in sorted(news, key=lambda item: item.version)}
        later = await self._store.later_reports({uid: item.version for uid, item in latest.items()})
        reports = [(uid, DeviceReport(attributes=dict(latest[uid].attributes))) for uid in sorted(later)]
        if reports:
            await self.take_reports(reports)

    async def hold(self, organization_id: int, uids: Sequence[str]) -> list[HeldDevice]:
        """The organization's devices among these, which nobody else changes until this unit ends."""
        return await self._store.hold(organization_id, uids)

    async def hold_ids(self, ids: Sequence[int]) -> None:
        """`hold` for devices of any organization, known by id."""
        await self._store.hold_ids(ids)

    async def show_actions(self, shown: Mapping[int, tuple[int | None, Status | None]]) -> None:
        """What each of these devices does now, by id: its running action and the status that it gives, or nothing."""
        self._devices.changed(await self._store.show_actions(shown))

    async def _firmware_changed(self, devices: Sequence[tuple[Device, str | None]], who: Actor) -> None:
        """Tells of those devices, each with its firmware version before, that have another one now."""
        changed = [(device, before) for device, before in devices if device.firmware_version != before]
        self._devices.tell(DeviceFirmwareChanged, [device for device, _ in changed])
        entries: defaultdict[int, list[Change]] = defaultdict(list)
        for device, before in changed:
            versions = {"firmware_version": before}, {"firmware_version": device.firmware_version}
            entries[device.organization_id].append(
                Change("device", str(device.id), "firmware_changed", before=versions[0], after=versions[1])
            )
        for organization_id, changes in entries.items():
            await self._audit.record(organization_id, who, changes)
        self._devices.changed([device for device, _ in changed])
