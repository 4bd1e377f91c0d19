"""An update goes through, once, whichever process dies at whichever step; and one whose device is silent ends."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from muster_stack.stack import Stack
from shared.testing import eventually

STEPS = ["ack", "downloading", "flashed", "complete"]

KILLED = {
    "api": dict.fromkeys(["open", *STEPS], ("ota-service-api",)),
    "workers": {
        **dict.fromkeys(["open", "ack", "downloading"], ("ota-service-worker",)),
        **dict.fromkeys(["flashed", "complete"], ("ota-service-worker", "device-management-worker")),
    },
}
"""Who dies at which step. device-management hears of the last two alone."""


@pytest.fixture
async def firmware(people: httpx.AsyncClient) -> dict[str, Any]:
    form = {"name": f"faults-{uuid4().hex[:8]}", "version": "2.0"}
    answer = await people.post("/api/v2/firmware", data=form, files={"file": ("image.bin", os.urandom(4_096))})
    answer.raise_for_status()
    answer = await people.post(f"/api/v2/firmware/{answer.json()['id']}/approve")
    answer.raise_for_status()
    return answer.json()


@pytest.fixture
async def device(stack: Stack, people: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A device that ota-service knows, with its own token, at its own paths."""
    uid = (await people.post("/api/v2/devices", json={})).json()["device_uid"]
    token = (await people.post(f"/api/v2/devices/{uid}/token")).json()["token"]
    await known(people, uid)
    base = f"{stack.info['gateway']}/api/v2/device/{uid}"
    async with httpx.AsyncClient(base_url=base, timeout=5, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


@pytest.fixture
def second_worker(beside: Callable[[str], AbstractContextManager[None]]) -> Iterator[None]:
    with beside("ota-service-worker"):
        yield


async def known(people: httpx.AsyncClient, uid: str) -> None:
    async def copied() -> bool:
        return (await people.get(f"/api/v2/fleet/{uid}")).status_code == 200

    await eventually(copied, why=f"ota-service knows {uid}")


async def until_answered(client: httpx.AsyncClient, path: str, **request: Any) -> dict[str, Any]:
    """Asks again, as any client does, until there is an answer that is no failure of the platform."""
    answers: list[httpx.Response] = []

    async def asked() -> bool:
        try:
            answers.append(await client.post(path, **request))
        except httpx.TransportError:
            return False
        return answers[-1].status_code < 500

    await eventually(asked, interval=0.1, why=path)
    assert answers[-1].is_success, answers[-1].text
    return answers[-1].json()


async def through_deaths(
    stack: Stack, victims: tuple[str, ...], after_s: float, client: httpx.AsyncClient, path: str, **request: Any
) -> dict[str, Any]:
    """Kills `victims` while the request is under way, starts them again, and has the request answered."""
    asking = asyncio.create_task(until_answered(client, path, **request))
    await asyncio.sleep(after_s)
    for victim in victims:
        stack.kill(victim)
    await asyncio.gather(*(asyncio.to_thread(stack.start, victim) for victim in victims))
    return await asking


async def rows(stack: Stack, database: str, query: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(f"{stack.info['postgres']}/{database}")
    try:
        return await connection.fetch(query, *values)
    finally:
        await connection.close()


@pytest.mark.parametrize("killed", KILLED)
async def test_an_update_goes_through_once_though_processes_die_at_each_step(
    stack: Stack,
    people: httpx.AsyncClient,
    device: httpx.AsyncClient,
    firmware: dict[str, Any],
    killed: str,
):
    uid = device.base_url.path.rstrip("/").rpartition("/")[2]
    opening = {
        "json": {"device_uid": uid, "firmware_id": firmware["id"]},
        "headers": {"Idempotency-Key": uuid4().hex},
    }
    session = await through_deaths(stack, KILLED[killed]["open"], 0.005, people, "/api/v2/updates", **opening)
    session_id = session["session_id"]
    for place, step in enumerate(STEPS):
        path, victims = f"updates/{session_id}/{step}", KILLED[killed][step]
        session = await through_deaths(stack, victims, 0.004 * place, device, path)
    assert session["state"] == "completed"

    async def followed() -> bool:
        registered = (await people.get(f"/api/v2/devices/{uid}")).json()
        copied = (await people.get(f"/api/v2/fleet/{uid}")).json()
        return registered["firmware_version"] == copied["firmware_version"] == "2.0"

    await eventually(followed, interval=0.2, why="the firmware version in both services")
    history = (await people.get(f"/api/v2/updates/{session_id}")).json()["reports"]
    states = ["initiated", "acknowledged", "downloading", "flashed", "completed"]
    assert [report["reported"] for report in history if report["accepted"]] == states
    told = "select type from outbox where subject = $1 order by id"
    events = await rows(stack, "ota_service", told, f"update_session/{session_id}")
    assert [row["type"] for row in events] == [f"update_session.{state}.v1" for state in states]
    told = "select payload from outbox where subject = $1 and type = 'device.firmware_changed.v1'"
    [change] = await rows(stack, "device_management", told, f"device/{uid}")
    assert json.loads(change["payload"])["data"]["version"] == 2
    assert (await people.get(f"/api/v2/devices/{uid}")).json()["version"] == 2


async def test_silent_devices_time_out_once_with_two_workers_one_of_which_dies(
    stack: Stack, people: httpx.AsyncClient, firmware: dict[str, Any], second_worker: None
):
    uids = [f"silent-{uuid4().hex[:8]}" for _ in range(20)]
    for uid in uids:
        (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
    for uid in uids:
        await known(people, uid)
    sessions = []
    for uid in uids:
        body = {"device_uid": uid, "firmware_id": firmware["id"], "deadline_s": 1}
        sessions.append((await until_answered(people, "/api/v2/updates", json=body))["session_id"])
    stack.kill("ota-service-worker")
    try:

        async def all_ended() -> bool:
            found = await asyncio.gather(*(people.get(f"/api/v2/updates/{session_id}") for session_id in sessions))
            return {answer.json()["state"] for answer in found} == {"timed_out"}

        await eventually(all_ended, interval=0.2, why="every silent session timed out")
    finally:
        await asyncio.to_thread(stack.start, "ota-service-worker")
    told = "select subject, array_agg(type order by id) as types from outbox where subject = any($1) group by subject"
    events = await rows(stack, "ota_service", told, [f"update_session/{session_id}" for session_id in sessions])
    assert len(events) == len(sessions)
    assert {tuple(row["types"]) for row in events} == {("update_session.initiated.v1", "update_session.timed_out.v1")}
