"""Use cases of manifests: what devices may be given, drawn up and signed."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from ota_service.firmware.models import Firmware
from ota_service.firmware.service import FirmwareService
from ota_service.fleet.schemas import FleetDeviceRead
from ota_service.installations.schemas import Installed
from ota_service.installations.service import InstallationService
from ota_service.manifests.errors import FirmwareNamedTwice, FloorUnknown
from ota_service.manifests.rules import OnDevice, manifest, obstacle
from ota_service.manifests.schemas import Bundle, Draft, Drawn, Obstacle
from ota_service.manifests.store import ManifestStore
from shared.ids import Ids
from shared.manifests import ManifestSigner


class ManifestService:
    def __init__(
        self,
        store: ManifestStore,
        firmware: FirmwareService,
        installations: InstallationService,
        *,
        signer: ManifestSigner,
        ids: Ids,
    ) -> None:
        self._store = store
        self._firmware = firmware
        self._installations = installations
        self._signer = signer
        self._ids = ids

    async def draw_up(
        self, organization_id: int, bundle: Bundle, devices: Collection[FleetDeviceRead], *, lasting: timedelta
    ) -> Drawn:
        """A manifest for each device that may get the bundle, good for as long as `lasting`.

        The devices must be locked until their sessions are stored: a process that stops in between could otherwise
        open a session later than another with a greater counter. Raises FirmwareNamedTwice and FloorUnknown.
        """
        names = [one.name for one in bundle.firmware]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise FirmwareNamedTwice(twice)
        installed = await self._installations.of(organization_id, [device.device_uid for device in devices])
        said = await self._said(organization_id, names[0], devices)
        wanted = said | set(bundle.floors.items())
        named = await self._firmware.named(organization_id, ids=(), versions=wanted)
        known = {(one.name, one.version): one for one in named}
        for floor in bundle.floors.items():
            if floor not in known:
                raise FloorUnknown(*floor)
        floors = [known[floor] for floor in bundle.floors.items()]
        as_said = {place: known[place] for place in said & known.keys()}
        has = {
            device.device_uid: installed.get(device.device_uid) or _as_said(device, names[0], as_said)
            for device in devices
        }
        obstacles: dict[str, Obstacle] = {}
        for device in devices:
            on_device = has[device.device_uid]
            found = obstacle(device, bundle.firmware, on_device, floors=floors, force=bundle.force)
            if found is not None:
                obstacles[device.device_uid] = found
        fitting = [device for device in devices if device.device_uid not in obstacles]
        issue = await self._store.issue(len(fitting))
        drafts = {
            device.device_uid: self._signed(
                device, bundle, has[device.device_uid], counter=counter, issued_at=issue.at, lasting=lasting
            )
            for device, counter in zip(fitting, issue.counters, strict=True)
        }
        return Drawn(drafts, obstacles)

    async def _said(
        self, organization_id: int, name: str, devices: Collection[FleetDeviceRead]
    ) -> set[tuple[str, str]]:
        """Versions that devices say they run, as far as they can be versions of firmware of this name alone."""
        versions = {device.firmware_version for device in devices if device.firmware_version}
        names = await self._firmware.names_of(organization_id, versions)
        return {(name, version) for version in versions if names.get(version) == {name}}

    def _signed(
        self,
        device: FleetDeviceRead,
        bundle: Bundle,
        on_device: OnDevice,
        *,
        counter: int,
        issued_at: datetime,
        lasting: timedelta,
    ) -> Draft:
        session_id = self._ids.new()
        document = manifest(
            bundle.firmware,
            session_id=str(session_id),
            device_uid=device.device_uid,
            counter=counter,
            issued_at=issued_at,
            expires_at=issued_at + lasting,
            force=bundle.force,
        )
        signature = self._signer.sign(document.encode())
        previous = {name: one.confirmed_id for name, one in on_device.items() if one.confirmed_id is not None}
        return Draft(session_id, counter, issued_at, device, previous, document, signature.signature, signature.key_id)


def _as_said(device: FleetDeviceRead, name: str, known: Mapping[tuple[str, str], Firmware]) -> OnDevice:
    """Of a device that no update has reached: what it says that it runs, if `name` alone has such a version."""
    firmware = known.get((name, device.firmware_version or ""))
    if firmware is None or firmware.id is None:
        return {}
    return {name: Installed(firmware.id, firmware.version, firmware.release_counter, firmware.id)}
