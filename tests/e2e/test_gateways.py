"""A gateway at the real broker: one connection, many devices of its organization, and no other."""

import asyncio
import json
import time
from urllib.parse import urlsplit
from uuid import uuid4

import aiormq
import httpx
import pytest

from shared.testing import eventually

from .promises import is_kept


@pytest.fixture
async def gateway(people):
    return (await people.post("/api/v2/gateways", json={"name": "hall"})).raise_for_status().json()


@pytest.fixture
def publish(stack, mosquitto_pub, gateway):
    async def published(uid: str) -> int:
        """The exit code of mosquitto_pub: 0 once the broker has confirmed."""
        sample = {"ts": int(time.time() * 1000), "metrics": {"temperature": 21.5}}
        process = await asyncio.create_subprocess_exec(
            mosquitto_pub,
            *as_gateway(stack, gateway),
            *("-q", "1", "-t", f"devices/{uid}/telemetry", "-m", json.dumps(sample)),
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            return await process.wait()

    return published


@pytest.fixture
def listen(stack, mosquitto_sub, gateway):
    async def listening(*topics: str, messages: int, seconds: int) -> asyncio.subprocess.Process:
        """Prints the topic of each message; ends after so many, or after so long."""
        return await asyncio.create_subprocess_exec(
            mosquitto_sub,
            *as_gateway(stack, gateway),
            *("-q", "1", "-C", str(messages), "-W", str(seconds), "-F", "%t"),
            *(part for topic in topics for part in ("-t", topic)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    return listening


def as_gateway(stack, gateway) -> list[str]:
    host, port = stack.info["mqtt"].split(":")
    user = f"gateway.{gateway['id']}"
    return ["-h", host, "-p", port, "-V", "311", "-i", user, "-u", user, "-P", gateway["token"]]


async def reboot(people, uid) -> None:
    body = {"type": "system_reboot", "device_uid": uid}
    (await people.post("/api/v2/actions", json=body)).raise_for_status()


async def foreign_device(stack, people) -> str:
    """The uid of a device of another organization."""
    name = f"other-{uuid4().hex[:8]}"
    other = (await people.post("/api/v2/organizations", json={"slug": name, "name": name})).raise_for_status().json()
    person = {"email": f"{name}@fleet.example", "name": name, "password": uuid4().hex, "roles": ["administrator"]}
    path = f"/api/v2/users?organization_id={other['id']}"
    (await people.post(path, json=person)).raise_for_status()
    async with httpx.AsyncClient(base_url=stack.info["gateway"], timeout=60) as client:
        form = {"username": person["email"], "password": person["password"]}
        pair = (await client.post("/api/v2/auth/login", data=form)).raise_for_status().json()
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        (await client.post("/api/v2/devices", json={"device_uid": name}, headers=headers)).raise_for_status()
    return name


async def test_a_gateway_brings_devices_carries_their_telemetry_and_takes_their_commands(
    stack, people, publish, listen
):
    uids = [f"behind-{uuid4().hex[:8]}" for _ in range(2)]
    for uid in uids:
        assert await publish(uid) == 0

        async def samples(uid=uid):
            answer = await people.get("/api/v2/telemetry", params={"device_uid": uid})
            return answer.json()["items"] if answer.is_success else None

        found = await eventually(samples, why="the telemetry of a device nobody knew")
        assert found[0]["metrics"] == {"temperature": 21.5}
    topics = [f"devices/{uid}/commands" for uid in uids]
    await reboot(people, uids[0])
    listening = await listen(*topics, messages=2, seconds=60)
    await reboot(people, uids[1])
    heard, _ = await listening.communicate()
    assert sorted(heard.decode().split()) == sorted(topics)


async def test_a_gateway_has_nothing_to_do_with_other_organizations_devices_nor_with_all_at_once(
    stack, people, publish, listen
):
    theirs = await foreign_device(stack, people)
    assert await publish(theirs) != 0
    for topic in (f"devices/{theirs}/commands", "devices/+/commands", "#"):
        refused = await listen(topic, messages=1, seconds=2)
        heard, _ = await refused.communicate()
        assert (refused.returncode != 0, heard) == (True, b""), topic


async def test_a_revoked_gateways_connection_ends_within_five_seconds_and_does_not_come_back(
    stack, people, gateway, publish
):
    broker = urlsplit(stack.info["amqp"])

    async def taken_s() -> float:
        one = (await people.post("/api/v2/gateways", json={"name": "hall"})).raise_for_status().json()
        url = f"amqp://gateway.{one['id']}:{one['token']}@{broker.hostname}:{broker.port}/"
        connection = await aiormq.connect(url)
        (await people.delete(f"/api/v2/gateways/{one['id']}")).raise_for_status()
        revoked = time.monotonic()
        await eventually(lambda: connection.is_closed, why="the revoked gateway's connection ends")
        return time.monotonic() - revoked

    assert await is_kept(5.0, taken_s)
    (await people.delete(f"/api/v2/gateways/{gateway['id']}")).raise_for_status()

    async def refused() -> bool:
        return await publish("anything") != 0

    await eventually(refused, why="the revoked token is refused")
