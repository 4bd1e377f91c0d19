"""Every query about the copy of the fleet."""

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.fleet.models import FleetDevice
from shared.contracts.devices import PURGED


class FleetStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, organization_id: int, uid: str) -> FleetDevice | None:
        """A purged device is not found."""
        query = select(FleetDevice).where(
            FleetDevice.device_uid == uid,
            FleetDevice.organization_id == organization_id,
            FleetDevice.lifecycle != PURGED,
        )
        return (await self._session.scalars(query)).one_or_none()

    async def put_newer(self, devices: Sequence[FleetDevice]) -> None:
        """Takes over each device whose version is greater than the copy's, in one statement; uids must differ."""
        proposed = insert(FleetDevice).values([device.model_dump() for device in devices])
        changes = {name: proposed.excluded[name] for name in FleetDevice.model_fields if name != "device_uid"}
        await self._session.execute(
            proposed.on_conflict_do_update(
                index_elements=["device_uid"],
                set_=changes,
                where=col(FleetDevice.version) < proposed.excluded.version,
            )
        )
