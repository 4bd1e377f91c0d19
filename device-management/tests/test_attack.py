"""Every route under schemathesis, as `shared.testing.attack` tells it."""

from datetime import timedelta

import pytest

from device_management.app import build
from shared.testing.attack import served

ADMINISTRATOR = ("organization:admin", "devices:read", "devices:write", "updates:write")

LIFETIME = timedelta(hours=4)
RETIRED = "^/api/v2/devices/"
"""Deleting a device retires it: what it was stays."""

CREATIONS = {
    "POST /api/v2/organizations": {},
    "POST /api/v2/users": {"roles": ["viewer"]},
    "POST /api/v2/roles": {"scopes": ["devices:read"]},
    "POST /api/v2/gateways": {},
    "POST /api/v2/devices": {},
    "POST /api/v2/devices/resync": {},
    "POST /api/v2/devices/{id_or_uid}/actions": {"action_type": "system_reboot"},
    "POST /api/v2/actions": {"type": "system_reboot", "device_uid": "pump-1"},
    "POST /api/v2/actions/bulk": {"type": "system_reboot", "device_uids": ["pump-1"]},
    "POST /api/v2/configuration/jobs": {"params": {"mode": "fast"}, "device_uids": ["pump-1"]},
    "POST /api/v2/groups": {},
    "POST /api/v2/imports": "device_uid,name\npump-2,Pump 2\n",
    "POST /api/v2/sites": {"host": "192.0.2.1"},
    "POST /api/v2/webhooks": {"url": "https://93.184.216.34/news", "event_types": ["*"]},
}

pytestmark = pytest.mark.attack


@pytest.mark.parametrize(
    "scopes", [("platform:admin", *ADMINISTRATOR), ADMINISTRATOR], ids=["platform", "organization"]
)
async def test_no_request_of_a_person_gets_an_answer_that_is_not_documented(
    attack, settings, sql, credentials, admin, organizations, scopes
):
    if not attack.at_length and scopes == ADMINISTRATOR:
        pytest.skip("some more refusals: at length alone")
    await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    token = credentials.person(*scopes, organization_id=organizations.own, lifetime=LIFETIME)
    async with served(build(settings)) as address:
        await attack.on(address, token=token, creations=CREATIONS, kept=RETIRED)
