"""Every route under schemathesis, as `shared.testing.attack` tells it."""

from datetime import timedelta

import pytest

from ota_service.app import build
from shared.testing.attack import served
from shared.testing.databases import empty

ADMINISTRATOR = ("organization:admin", "updates:read", "updates:write", "updates:approve", "devices:read")

UPLOADS = "^/api/v2/firmware$"
FLEET = [f"pump-{number}" for number in range(1, 9)]
LIFETIME = timedelta(hours=4)
CREATIONS = {
    "POST /api/v2/firmware": {},
    "POST /api/v2/updates": {"device_uid": "pump-1", "firmware_id": 1},
    "POST /api/v2/updates/batches": {"firmware_id": 1, "device_ids": FLEET},
    "POST /api/v2/releases": {
        "bundle": {"apps": [{"firmware_id": 1}]},
        "waves": [{"name": "first", "clusters": [{"device_uids": FLEET}]}],
    },
}

pytestmark = pytest.mark.attack


@pytest.mark.parametrize(
    "scopes", [("platform:admin", *ADMINISTRATOR), ADMINISTRATOR], ids=["platform", "organization"]
)
async def test_no_request_of_a_person_gets_an_answer_that_is_not_documented(
    attack, settings, credentials, add_devices, add_firmware, scopes
):
    if not attack.at_length and scopes == ADMINISTRATOR:
        pytest.skip("some more refusals: at length alone")
    await add_devices(*FLEET)
    assert (await add_firmware()).id == 1
    async with served(build(settings)) as address:
        token = credentials.person(*scopes, organization_id=1, lifetime=LIFETIME)
        await attack.on(address, token=token, creations=CREATIONS, forms=UPLOADS)


async def test_no_request_of_a_device_gets_one(attack, settings, sql, credentials):
    await empty(sql)
    token = credentials.device("pump-1", lifetime=LIFETIME)
    async with served(build(settings)) as address:
        await attack.on(address, token=token, tag="device", parameters={"path.uid": "pump-1"})
