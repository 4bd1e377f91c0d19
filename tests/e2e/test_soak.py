"""A release that asks for it is completed by what its device says of itself, and by the device staying there."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from muster_cli.mqtt.connection import MqttConnection
from muster_cli.mqtt.packets import Will
from muster_stack.stack import Stack
from shared.testing import eventually

SOAK_S = 2


@dataclass
class Device:
    """One that is on the broker and asks over HTTP."""

    uid: str
    broker: MqttConnection
    http: httpx.AsyncClient

    async def report(self, version: str) -> None:
        await self.broker.publish(f"devices/{self.uid}/state", json.dumps({"firmware_version": version}).encode())


@pytest.fixture
async def device(stack: Stack, people: httpx.AsyncClient) -> AsyncIterator[Device]:
    uid = f"soak-{uuid4().hex[:8]}"
    (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
    token = (await people.post(f"/api/v2/devices/{uid}/token")).raise_for_status().json()["token"]
    broker = MqttConnection(lambda: None)
    host, port = stack.info["mqtt"].split(":")
    will = Will(f"devices/{uid}/status", b'{"online":false}')
    await broker.open(host, int(port), uid=uid, token=token, will=will)
    base, headers = f"{stack.info['gateway']}/api/v2/device/{uid}", {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=base, timeout=60, headers=headers) as http:

        async def copied() -> bool:
            return (await people.get(f"/api/v2/fleet/{uid}")).status_code == 200

        await eventually(copied, why=f"ota-service knows {uid}")
        yield Device(uid, broker, http)
    await broker.close()


async def test_a_release_is_completed_once_its_device_says_that_it_runs_the_new_version_and_stays(
    people: httpx.AsyncClient, device: Device, image
):
    firmware = await image("2.0")
    document = {
        "name": device.uid,
        "slug": device.uid,
        "bundle": {"apps": [{"firmware_id": firmware["id"]}]},
        "waves": [{"clusters": [{"device_uids": [device.uid]}]}],
        "device_soak_s": SOAK_S,
    }
    (await people.post("/api/v2/releases", json=document)).raise_for_status()
    (await people.post(f"/api/v2/releases/{device.uid}/start")).raise_for_status()

    async def offered() -> str:
        items = (await device.http.get("/updates")).json()["items"]
        return items[0]["session_id"] if items else ""

    session = await eventually(offered, interval=0.2, why="the update is offered")
    for verb in ("ack", "downloading", "flashed"):
        (await device.http.post(f"/updates/{session}/{verb}")).raise_for_status()
    await device.report("1.0")

    async def said(version: str) -> bool:
        known = (await people.get(f"/api/v2/devices/{device.uid}")).json()
        return known["reported_firmware_version"] == version

    await eventually(lambda: said("1.0"), interval=0.2, why="what it says is known")
    waiting = (await people.get(f"/api/v2/updates/{session}")).json()
    assert (waiting["state"], waiting["confirmed_at"]) == ("flashed", None), "it runs another version yet"
    await device.report("2.0")

    async def completed() -> bool:
        return (await people.get(f"/api/v2/releases/{device.uid}")).json()["state"] == "completed"

    await eventually(completed, interval=0.3, why="the release is completed")
    ended = (await people.get(f"/api/v2/updates/{session}")).json()
    assert [report["by"] for report in ended["reports"]][-2:] == ["device", "soak"]
    assert ended["state"] == "completed"
