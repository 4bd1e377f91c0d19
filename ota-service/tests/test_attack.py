"""Every route under schemathesis, as `shared.testing.attack` tells it."""

import pytest

from ota_service.app import build
from shared.testing.attack import served
from shared.testing.databases import empty

ADMINISTRATOR = ("organization:admin", "updates:read", "updates:write", "updates:approve", "devices:read")

pytestmark = pytest.mark.attack


@pytest.mark.parametrize(
    "scopes", [("platform:admin", *ADMINISTRATOR), ADMINISTRATOR], ids=["platform", "organization"]
)
async def test_no_request_of_a_person_gets_an_answer_that_is_not_documented(attack, settings, sql, credentials, scopes):
    await empty(sql)
    async with served(build(settings)) as address:
        await attack.on(address, token=credentials.person(*scopes, organization_id=1))


async def test_no_request_of_a_device_gets_one(attack, settings, sql, credentials):
    await empty(sql)
    async with served(build(settings)) as address:
        await attack.on(address, token=credentials.device("pump-1"), tag="device", parameters={"path.uid": "pump-1"})
