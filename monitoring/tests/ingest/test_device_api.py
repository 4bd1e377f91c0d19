"""Telemetry over HTTP: a device's own token, and an answer once the broker has it."""

import json

import pytest

from shared.contracts.telemetry import MAX_BODY_BYTES
from shared.messaging.topology import TELEMETRY_QUEUE
from shared.testing import eventually

from ..worlds import body


@pytest.fixture
def device(anyone, credentials):
    anyone.headers["Authorization"] = f"Bearer {credentials.device('pump-1')}"
    return anyone


async def ready(client) -> None:
    async def connected():
        return (await client.get("/readyz")).status_code == 200

    await eventually(connected)


async def test_the_broker_has_what_was_answered_with_202(device, raw):
    await ready(device)
    answer = await device.post("/api/v2/device/pump-1/telemetry", content=body(seq=1))
    assert answer.status_code == 202
    message = await raw.channel.basic_get(TELEMETRY_QUEUE, no_ack=True)
    assert message.body == body(seq=1)
    assert message.routing_key == "devices.pump-1.telemetry"


async def test_a_repeated_call_with_the_same_key_is_the_same_message(device, raw):
    await ready(device)
    for key in ("a", "a", "b"):
        headers = {"Idempotency-Key": key}
        await device.post("/api/v2/device/pump-1/telemetry", content=body(None), headers=headers)
    ids = [(await raw.channel.basic_get(TELEMETRY_QUEUE, no_ack=True)).header.properties.message_id for _ in range(3)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"not json", 400, "invalid_json"),
        (b'{"metrics": {"a": NaN}}', 400, "invalid_json"),
        (b'{"metrics": {"a": "\xff"}}', 400, "invalid_json"),
        (b'{"metrics": {}}', 422, "unreadable_telemetry"),
        (b'{"metrics": {"a": 1}}' + b" " * MAX_BODY_BYTES, 413, "body_too_large"),
        (b" " * 2_000_000, 413, "body_too_large"),
        (json.dumps([{"metrics": {"a": 1}}] * 1_001).encode(), 422, "unreadable_telemetry"),
    ],
)
async def test_what_is_no_telemetry_is_refused_before_the_broker(device, raw, content, status, code):
    answer = await device.post("/api/v2/device/pump-1/telemetry", content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await raw.waiting(TELEMETRY_QUEUE) == 0


async def test_a_device_speaks_for_itself_only(device, anyone, credentials, register):
    assert (await device.post("/api/v2/device/pump-2/telemetry", content=body())).status_code == 403
    await register("pump-1", version=2, min_token_generation=2)
    revoked = await device.post("/api/v2/device/pump-1/telemetry", content=body())
    assert (revoked.status_code, revoked.json()["code"]) == (401, "unauthenticated")
    person = {"Authorization": f"Bearer {credentials.person('telemetry:read')}"}
    assert (await anyone.post("/api/v2/device/pump-1/telemetry", content=body(), headers=person)).status_code == 403
    del anyone.headers["Authorization"]
    assert (await anyone.post("/api/v2/device/pump-1/telemetry", content=body())).status_code == 401


class TestGateways:
    @pytest.fixture
    def gateway(self, anyone, credentials):
        anyone.headers["Authorization"] = f"Bearer {credentials.gateway(organization_id=1)}"
        return anyone

    async def test_a_gateway_speaks_for_the_devices_of_its_organization(self, gateway, raw, register):
        await register("pump-1", organization_id=1)
        await ready(gateway)
        answer = await gateway.post("/api/v2/device/pump-1/telemetry", content=body(seq=1))
        assert answer.status_code == 202
        message = await raw.channel.basic_get(TELEMETRY_QUEUE, no_ack=True)
        assert message.routing_key == "devices.pump-1.telemetry"

    async def test_and_for_no_others(self, gateway, raw, register):
        await register("theirs", organization_id=2)
        await register("retired", organization_id=1, lifecycle="retired")
        await ready(gateway)
        for uid in ("theirs", "retired", "nobodys"):
            answer = await gateway.post(f"/api/v2/device/{uid}/telemetry", content=body(seq=1))
            assert (answer.status_code, answer.json()["code"]) == (404, "device_not_found")
        assert await raw.waiting(TELEMETRY_QUEUE) == 0
