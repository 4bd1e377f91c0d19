"""Configuration over REST."""

from typing import Annotated

from fastapi import APIRouter, Response

from device_management.audit.schemas import Actor
from device_management.configuration.errors import ConfigurationTooLarge
from device_management.configuration.schemas import ConfigurationRead, DesiredConfiguration
from device_management.configuration.service import ConfigurationService
from device_management.devices.errors import DeviceIsRetired
from device_management.devices.schemas import DeviceReference
from shared.http.declared import raises
from shared.http.preconditions import IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/devices/{id_or_uid}/configuration", tags=["configuration"])

Configurations = Annotated[ConfigurationService, use(ConfigurationService)]
Reader = Annotated[Principal, requires("devices:read")]
Writer = Annotated[Principal, requires("devices:write")]


@router.get("")
async def get(
    id_or_uid: DeviceReference,
    who: Reader,
    configurations: Configurations,
    response: Response,
) -> ConfigurationRead:
    """What the device is to be set to, what it reports, and where they differ."""
    return tagged(response, await configurations.get(who.organization_id, id_or_uid))


@router.put("")
@raises(DeviceIsRetired, ConfigurationTooLarge)
async def put(
    id_or_uid: DeviceReference,
    body: DesiredConfiguration,
    who: Writer,
    configurations: Configurations,
    expected: IfMatch,
    response: Response,
) -> ConfigurationRead:
    """Sets what the device is to be set to, and asks it to change; `action_id` is how that goes."""
    return tagged(response, await configurations.put(who.organization_id, id_or_uid, body, expected, by=Actor.of(who)))
