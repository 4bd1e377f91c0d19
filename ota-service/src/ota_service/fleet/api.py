"""The copy of the fleet over REST."""

from typing import Annotated

from fastapi import APIRouter

from ota_service.fleet.errors import DeviceNotFound
from ota_service.fleet.schemas import FleetDeviceRead
from ota_service.fleet.service import FleetService
from shared.http.declared import raises
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/fleet", tags=["fleet"])

Fleet = Annotated[FleetService, use(FleetService)]


@router.get("/{uid}")
@raises(DeviceNotFound)
async def get(uid: str, who: Annotated[Principal, requires("devices:read")], fleet: Fleet) -> FleetDeviceRead:
    """What ota-service knows of a device; it follows device-management by events, usually within a second."""
    return await fleet.get(who.organization_id, uid)
