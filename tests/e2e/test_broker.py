"""What the broker lets a device do, seen by mosquitto's clients and by AMQP."""

import asyncio
import json
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import aiormq
import httpx
import pytest

from muster_cli.mqtt.connection import ConnectionLost, MqttConnection
from muster_cli.mqtt.packets import Will
from shared.messaging.messages import MAX_MESSAGE_BYTES
from shared.testing import eventually

from .promises import is_kept


def sample(temperature: float) -> bytes:
    return json.dumps({"ts": int(time.time() * 1000), "metrics": {"temperature": temperature}}).encode()


@dataclass
class Device:
    uid: str
    token: str
    people: httpx.AsyncClient

    async def samples(self) -> list[dict]:
        answer = await self.people.get("/api/v2/telemetry", params={"device_uid": self.uid})
        return answer.raise_for_status().json()["items"]

    async def online(self) -> bool:
        answer = await self.people.get("/api/v2/presence", params={"device_uid": self.uid})
        return any(item["online"] for item in answer.raise_for_status().json()["items"])


@pytest.fixture
def register(people):
    async def registered(uid: str | None = None) -> Device:
        uid = uid or f"e2e-{uuid4().hex[:8]}"
        (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
        token = (await people.post(f"/api/v2/devices/{uid}/token")).json()["token"]
        device = Device(uid, token, people)

        async def known() -> bool:
            answer = await people.get("/api/v2/telemetry", params={"device_uid": uid})
            return answer.status_code == 200

        await eventually(known, why="monitoring knows the device")
        return device

    return registered


@pytest.fixture
def publish(stack, mosquitto_pub):
    async def published(device: Device, topic: str, *, token: str | None = None, client_id: str | None = None) -> int:
        """The exit code of mosquitto_pub: 0 once the broker has confirmed."""
        host, port = stack.info["mqtt"].split(":")
        process = await asyncio.create_subprocess_exec(
            *(mosquitto_pub, "-h", host, "-p", port, "-V", "311", "-q", "1", "-t", topic),
            *("-i", client_id or device.uid, "-u", device.uid, "-P", token or device.token),
            *("-m", sample(21.5).decode()),
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            return await process.wait()

    return published


@pytest.fixture
def subscribe(stack, mosquitto_sub: Path):
    async def subscribed(device: Device, topic: str, *, seconds: int = 60) -> asyncio.subprocess.Process:
        host, port = stack.info["mqtt"].split(":")
        return await asyncio.create_subprocess_exec(
            *(mosquitto_sub, "-h", host, "-p", port, "-V", "311", "-q", "1", "-t", topic, "-C", "1"),
            *("-W", str(seconds), "-i", device.uid, "-u", device.uid, "-P", device.token),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    return subscribed


async def test_what_a_device_publishes_is_read_over_rest(register, publish):
    device = await register()
    assert await publish(device, f"devices/{device.uid}/telemetry") == 0
    found = await eventually(device.samples)
    assert found[0]["metrics"] == {"temperature": 21.5}


async def test_a_wrong_token_and_another_client_id_are_refused(register, publish):
    device, other = await register(), await register()
    topic = f"devices/{device.uid}/telemetry"
    assert await publish(device, topic, token="wrong") != 0
    assert await publish(device, topic, token=other.token) != 0
    assert await publish(device, topic, client_id=other.uid) != 0


async def test_another_devices_topic_is_refused_and_stores_nothing(register, publish):
    device, other = await register("sensor-1"), await register("sensor-10")
    assert await publish(device, f"devices/{other.uid}/telemetry") != 0
    assert await publish(device, f"devices/{device.uid}/commands") != 0
    assert await publish(other, f"devices/{other.uid}/telemetry") == 0
    await eventually(other.samples)
    assert len(await other.samples()) == 1


async def test_a_device_whose_message_is_over_the_brokers_limit_is_cut_off_and_may_come_back(stack, register, publish):
    device = await register()
    topic = f"devices/{device.uid}/telemetry"
    host, port = stack.info["mqtt"].split(":")
    for body, loses in ((b"x" * MAX_MESSAGE_BYTES, False), (b"x" * (MAX_MESSAGE_BYTES + 1), True)):
        connection = MqttConnection(lambda: None)
        will = Will(f"devices/{device.uid}/status", b'{"online":false}')
        await connection.open(host, int(port), uid=device.uid, token=device.token, will=will)
        with pytest.raises(ConnectionLost) if loses else nullcontext():
            await connection.publish(topic, body)
        connection.cut()
    assert await publish(device, topic) == 0
    await eventually(device.samples)


async def test_a_device_reads_its_own_commands_and_no_wildcard(stack, register, subscribe):
    device, other = await register(), await register()
    mine = await subscribe(device, f"devices/{device.uid}/commands")
    await eventually(device.online, why="the subscriber's presence")
    connection = await aiormq.connect(stack.info["amqp"])
    channel = await connection.channel()

    async def delivered() -> bool:
        await channel.basic_publish(b"reboot", exchange="amq.topic", routing_key=f"devices.{device.uid}.commands")
        return mine.returncode is not None

    await eventually(delivered, interval=0.2)
    assert (await mine.communicate())[0].strip() == b"reboot"
    await connection.close()
    for topic in ("#", "devices/+/commands", f"devices/{other.uid}/commands", f"devices/{device.uid}/telemetry"):
        refused = await subscribe(device, topic, seconds=2)
        heard, _ = await refused.communicate()
        assert refused.returncode != 0, topic
        assert heard == b"", topic


async def test_a_revoked_token_ends_the_connection_within_five_seconds_and_lets_nobody_in(
    people, register, publish, subscribe
):
    async def taken_s() -> float:
        device = await register()
        listening = await subscribe(device, f"devices/{device.uid}/commands")
        await eventually(device.online)
        (await people.delete(f"/api/v2/devices/{device.uid}/token")).raise_for_status()
        revoked = time.monotonic()

        async def offline() -> bool:
            return not await device.online()

        async def refused() -> bool:
            return await publish(device, f"devices/{device.uid}/telemetry") != 0

        await eventually(offline, why="the revoked device is offline")
        taken = time.monotonic() - revoked
        await eventually(refused, why="the revoked token is refused")
        if listening.returncode is None:
            listening.kill()
        await listening.wait()
        return taken

    assert await is_kept(5.0, taken_s)


class TestAmqp:
    async def channel(self, stack, device):
        broker = urlsplit(stack.info["amqp"])
        return await aiormq.connect(f"amqp://{device.uid}:{device.token}@{broker.hostname}:{broker.port}/")

    async def test_a_device_publishes_under_its_own_uid_only(self, stack, register):
        device, other = await register(), await register()
        connection = await self.channel(stack, device)
        channel = await connection.channel()
        body = sample(1.0)
        await channel.basic_publish(body, exchange="amq.topic", routing_key=f"devices.{device.uid}.telemetry")
        await eventually(device.samples)
        with pytest.raises(aiormq.AMQPError):
            await channel.basic_publish(body, exchange="amq.topic", routing_key=f"devices.{other.uid}.telemetry")
        await connection.close()

    async def test_a_device_has_its_own_queue_and_no_other(self, stack, register):
        device, other = await register(), await register()
        connection = await self.channel(stack, device)
        channel = await connection.channel()
        await channel.queue_declare(f"device.{device.uid}", durable=True)
        await channel.queue_bind(f"device.{device.uid}", "amq.topic", f"devices.{device.uid}.commands")
        await channel.queue_delete(f"device.{device.uid}")
        for queue in (f"device.{other.uid}", "monitoring.telemetry"):
            refused = await connection.channel()
            with pytest.raises(aiormq.AMQPError):
                await refused.queue_declare(queue, durable=True)
        for exchange in ("muster.events", "muster.live"):
            refused = await connection.channel()
            with pytest.raises(aiormq.AMQPError):
                await refused.basic_publish(b"{}", exchange=exchange, routing_key="device.registered.v1")
        await connection.close()

    async def test_a_wrong_token_is_refused(self, stack, register):
        device = await register()
        device.token = "wrong"
        with pytest.raises(aiormq.AMQPError):
            await self.channel(stack, device)
