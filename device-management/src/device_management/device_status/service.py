"""Use cases of what devices are doing: taken over from monitoring, ota-service and the actions that run."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from device_management.audit.schemas import SYSTEM, Change
from device_management.audit.service import AuditService
from device_management.device_status.models import HeldDevice, Installed, Presence
from device_management.device_status.store import DeviceStatusStore
from device_management.devices.service import DeviceService
from device_management.devices.states import Status
from shared.contracts.devices import DeviceFirmwareChanged
from shared.contracts.presence import PresenceState
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

    async def take_firmware(self, news: Sequence[UpdateSessionState]) -> None:
        """Takes over what updates have put on devices: of several of one device the latest, never an earlier one."""
        latest: dict[str, Installed] = {}
        for item in sorted(news, key=lambda state: state.counter):
            latest[item.device_uid] = Installed(
                item.organization_id, item.device_uid, item.firmware_version, item.counter
            )
        changed = [
            (device, before)
            for device, before in await self._store.install(list(latest.values()))
            if device.firmware_version != before
        ]
        entries: defaultdict[int, list[Change]] = defaultdict(list)
        self._devices.tell(DeviceFirmwareChanged, [device for device, _ in changed])
        for device, before in changed:
            entries[device.organization_id].append(
                Change(
                    "device",
                    str(device.id),
                    "firmware_changed",
                    before={"firmware_version": before},
                    after={"firmware_version": device.firmware_version},
                )
            )
        for organization_id, changes in entries.items():
            await self._audit.record(organization_id, SYSTEM, changes)
        self._devices.changed([device for device, _ in changed])

    async def hold(self, organization_id: int, uids: Sequence[str]) -> list[HeldDevice]:
        """The organization's devices among these, which nobody else changes until this unit ends."""
        return await self._store.hold(organization_id, uids)

    async def hold_ids(self, ids: Sequence[int]) -> None:
        """`hold` for devices of any organization, known by id."""
        await self._store.hold_ids(ids)

    async def show_actions(self, shown: Mapping[int, tuple[int | None, Status | None]]) -> None:
        """What each of these devices does now, by id: its running action and the status that it gives, or nothing."""
        self._devices.changed(await self._store.show_actions(shown))
