"""Use cases of manifests: what devices may be given, drawn up and signed."""

from collections.abc import Collection
from datetime import datetime, timedelta

from ota_service.firmware.models import Firmware
from ota_service.fleet.schemas import FleetDeviceRead
from ota_service.manifests.rules import manifest, obstacle
from ota_service.manifests.schemas import Draft, Drawn
from ota_service.manifests.store import ManifestStore
from shared.ids import Ids
from shared.manifests import ManifestSigner


class ManifestService:
    def __init__(self, store: ManifestStore, *, signer: ManifestSigner, ids: Ids) -> None:
        self._store = store
        self._signer = signer
        self._ids = ids

    async def draw_up(self, firmware: Firmware, devices: Collection[FleetDeviceRead], *, lasting: timedelta) -> Drawn:
        """A manifest for each device that may get the firmware, good for as long as `lasting`.

        The devices must be locked until their sessions are stored: a process that stops in between could otherwise
        open a session later than another with a greater counter.
        """
        obstacles = {
            device.device_uid: found
            for device in devices
            if (
                found := obstacle(
                    lifecycle=device.lifecycle,
                    updates_enabled=device.updates_enabled,
                    hardware_version=device.hardware_version,
                    hardware_versions=firmware.hardware_versions,
                )
            )
        }
        fitting = [device for device in devices if device.device_uid not in obstacles]
        issue = await self._store.issue(len(fitting))
        drafts = {
            device.device_uid: self._signed(device, firmware, counter, issue.at, issue.at + lasting)
            for device, counter in zip(fitting, issue.counters, strict=True)
        }
        return Drawn(drafts, obstacles)

    def _signed(
        self, device: FleetDeviceRead, firmware: Firmware, counter: int, issued_at: datetime, expires_at: datetime
    ) -> Draft:
        session_id = self._ids.new()
        document = manifest(
            session_id=str(session_id),
            device_uid=device.device_uid,
            counter=counter,
            name=firmware.name,
            version=firmware.version,
            release_counter=firmware.release_counter,
            size=firmware.size,
            sha256=firmware.sha256,
            hardware_versions=firmware.hardware_versions,
            issued_at=issued_at,
            expires_at=expires_at,
        )
        signature = self._signer.sign(document.encode())
        return Draft(session_id, counter, issued_at, device, document, signature.signature, signature.key_id)
