"""Updates of devices that speak through a gateway of their organization."""

from datetime import UTC, datetime, timedelta

import pytest

from ota_service.bootstrap import open_core
from shared.revocations import Revocation
from shared.testing import eventually
from shared.tokens import Audience

from ..conftest import IMAGE
from .test_api import PATH, code, history

GATEWAY = "9b2e6c1e-0000-4000-8000-000000000001"


@pytest.fixture
def gateway(connect, credentials):
    return connect(credentials.gateway(gateway=GATEWAY))


async def test_a_gateway_carries_out_the_update_of_a_device_and_the_history_names_it(update, gateway, person):
    updates = "/api/v2/device/pump-1/updates"
    [offer] = (await gateway.get(updates)).json()["items"]
    assert (await gateway.get(f"{updates}/next")).json() == offer
    assert (await gateway.get(f"{updates}/{update.id}/file")).content == IMAGE
    for verb in PATH:
        answer = await gateway.post(f"{updates}/{update.id}/{verb}")
        assert answer.status_code == 200, answer.text
    assert await history(person, update.id) == [
        ("person 7", "initiated", True),
        *((f"gateway {GATEWAY}", state, True) for state in ("acknowledged", "downloading", "flashed", "completed")),
    ]


async def test_a_gateway_speaks_for_no_device_of_another_organization_and_for_no_retired_one(
    update, connect, credentials, gateway, add_devices
):
    await add_devices("theirs", organization_id=2)
    await add_devices("retired", lifecycle="retired")
    foreign = connect(credentials.gateway(organization_id=2))
    assert code(await foreign.get("/api/v2/device/pump-1/updates")) == (404, "device_not_found")
    assert code(await foreign.post(f"/api/v2/device/pump-1/updates/{update.id}/ack")) == (404, "device_not_found")
    for uid in ("theirs", "nobodys"):
        assert code(await gateway.get(f"/api/v2/device/{uid}/updates")) == (404, "device_not_found")
    assert code(await gateway.get("/api/v2/device/retired/updates")) == (409, "device_retired")


async def test_one_device_behind_a_gateway_has_no_part_in_anothers_session(update, gateway):
    answer = await gateway.post(f"/api/v2/device/pump-2/updates/{update.id}/ack")
    assert code(answer) == (404, "update_session_not_found")


async def test_a_revoked_gateway_is_refused_soon(update, settings, connect, credentials):
    token = credentials.gateway()
    gateway = connect(token)
    assert (await gateway.get("/api/v2/device/pump-1/updates")).status_code == 200
    token_id = credentials.keys.verify(token, Audience.GATEWAY).token_id
    async with open_core(settings) as core:
        await core.refused.put([Revocation("token", token_id, 1, until=datetime.now(UTC) + timedelta(days=1))])

    async def refused():
        return (await gateway.get("/api/v2/device/pump-1/updates")).status_code == 401

    await eventually(refused)


async def test_a_gateway_is_of_no_use_on_peoples_paths(update, gateway):
    assert code(await gateway.get(f"/api/v2/updates/{update.id}")) == (403, "forbidden")
    assert code(await gateway.post(f"/api/v2/updates/{update.id}/cancel")) == (403, "forbidden")
