"""Use cases of the copy of the fleet."""

from collections.abc import Sequence

from ota_service.fleet.errors import DeviceNotFound, DeviceRetired, DeviceTokenRevoked
from ota_service.fleet.models import FleetDevice
from ota_service.fleet.schemas import DeviceCaller, FleetDeviceRead
from ota_service.fleet.states import RETIRED
from ota_service.fleet.store import FleetStore
from shared.contracts.devices import DeviceState
from shared.http.principal import Principal


class FleetService:
    def __init__(self, store: FleetStore) -> None:
        self._store = store

    async def get(self, organization_id: int, uid: str) -> FleetDeviceRead:
        """Raises DeviceNotFound."""
        device = await self._store.find(organization_id, uid)
        if device is None:
            raise DeviceNotFound
        return FleetDeviceRead.model_validate(device, from_attributes=True)

    async def admit(self, organization_id: int, uid: str, generation: int | None) -> None:
        """Lets a device's verified token in. Raises DeviceNotFound, DeviceTokenRevoked, DeviceRetired."""
        device = await self._store.find(organization_id, uid)
        if device is None:
            raise DeviceNotFound
        if (generation or 0) < device.min_token_generation:
            raise DeviceTokenRevoked
        if device.lifecycle == RETIRED:
            raise DeviceRetired

    async def admit_gateway(self, organization_id: int, uid: str) -> None:
        """Lets a gateway speak for a device of its organization. Raises DeviceNotFound, DeviceRetired."""
        device = await self._store.find(organization_id, uid)
        if device is None:
            raise DeviceNotFound
        if device.lifecycle == RETIRED:
            raise DeviceRetired

    async def caller(self, who: Principal, uid: str) -> DeviceCaller:
        """The device `uid`, for which its own or a gateway's verified token speaks.

        Raises DeviceNotFound, DeviceTokenRevoked, DeviceRetired.
        """
        if who.is_device:
            await self.admit(who.organization_id, uid, who.generation)
            return DeviceCaller(who.organization_id, uid, "device")
        await self.admit_gateway(who.organization_id, uid)
        return DeviceCaller(who.organization_id, uid, f"gateway {who.subject}")

    async def follow(self, states: Sequence[DeviceState]) -> None:
        """Takes over the newest state of each device; one that is not newer than the copy's changes nothing."""
        newest: dict[str, DeviceState] = {}
        for state in sorted(states, key=lambda state: state.version):
            newest[state.device_uid] = state
        # In the order of their keys, so that two workers never wait for each other in a circle.
        await self._store.put_newer([_copy(newest[uid]) for uid in sorted(newest)])


def _copy(state: DeviceState) -> FleetDevice:
    return FleetDevice(
        device_uid=state.device_uid,
        device_id=state.device_id,
        organization_id=state.organization_id,
        name=state.name,
        device_type=state.device_type,
        hardware_version=state.hardware_version,
        firmware_version=state.firmware_version,
        lifecycle=state.lifecycle,
        updates_enabled=state.updates_enabled,
        attributes=state.attributes,
        tags=state.tags,
        min_token_generation=state.min_token_generation,
        version=state.version,
        changed_at=state.updated_at,
    )
