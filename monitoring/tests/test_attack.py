"""Every route under schemathesis, as `shared.testing.attack` tells it."""

from datetime import timedelta

import pytest

ADMINISTRATOR = ("organization:admin", "telemetry:read", "devices:read", "alerts:write")
LIFETIME = timedelta(hours=4)
CREATIONS = {
    "POST /api/v2/alert-rules": {"condition": {"kind": "threshold", "metric": "temperature", "above": 80}},
}

pytestmark = pytest.mark.attack


@pytest.mark.parametrize(
    "scopes", [("platform:admin", *ADMINISTRATOR), ADMINISTRATOR], ids=["platform", "organization"]
)
async def test_no_request_of_a_person_gets_an_answer_that_is_not_documented(
    attack, address, register, credentials, scopes
):
    if not attack.at_length and scopes == ADMINISTRATOR:
        pytest.skip("some more refusals: at length alone")
    await register("pump-1")
    token = credentials.person(*scopes, organization_id=1, lifetime=LIFETIME)
    await attack.on(address, token=token, creations=CREATIONS)


async def test_no_request_of_a_device_gets_one(attack, address, register, credentials):
    await register("pump-1")
    token = credentials.device("pump-1", organization_id=1)
    await attack.on(address, token=token, tag="device", parameters={"path.uid": "pump-1"}, linked=False)
