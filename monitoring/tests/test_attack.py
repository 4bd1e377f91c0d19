"""Every route under schemathesis, as `shared.testing.attack` tells it."""

import pytest

pytestmark = pytest.mark.attack


@pytest.mark.parametrize("scopes", [("platform:admin",), ()], ids=["platform", "organization"])
async def test_no_request_of_a_person_gets_an_answer_that_is_not_documented(attack, address, credentials, scopes):
    token = credentials.person("telemetry:read", "devices:read", "organization:admin", *scopes, organization_id=1)
    await attack.on(address, token=token)


async def test_no_request_of_a_device_gets_one(attack, address, register, credentials):
    await register("pump-1")
    token = credentials.device("pump-1", organization_id=1)
    await attack.on(address, token=token, tag="device", parameters={"path.uid": "pump-1"}, linked=False)
