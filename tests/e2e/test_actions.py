"""Actions and configuration through the gateway, carried out by simulated devices."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from muster_stack.stack import Stack
from shared.testing import eventually

Simulated = Callable[[str, int], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
def prefix() -> str:
    return f"act{uuid4().hex[:6]}"


async def ask(people: httpx.AsyncClient, uid: str, kind: str, **order: Any) -> dict[str, Any]:
    answer = await people.post("/api/v2/actions", json={"device_uid": uid, "type": kind, **order})
    assert answer.status_code == 202, answer.text
    return answer.json()


async def read(people: httpx.AsyncClient, path: str) -> dict[str, Any]:
    return (await people.get(f"/api/v2/{path}")).raise_for_status().json()


async def becomes(people: httpx.AsyncClient, action: dict[str, Any], state: str) -> dict[str, Any]:
    async def there() -> dict[str, Any] | None:
        found = await read(people, f"actions/{action['action_id']}")
        return found if found["state"] == state else None

    found = await eventually(there, why=f"{action['type']} {state}")
    assert found is not None
    return found


async def ends(people: httpx.AsyncClient, job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What became of each device of a mass configuration, by uid."""

    async def over() -> bool:
        return (await read(people, f"configuration/jobs/{job['id']}"))["state"] == "completed"

    await eventually(over, interval=0.2, why="the job has ended")
    items = (await read(people, f"configuration/jobs/{job['id']}/items?limit=500"))["items"]
    return {item["name"]: item for item in items}


async def is_overdue(stack: Stack, uid: str) -> None:
    """Once a device has been asked for something, its time for that is over."""
    overdue = """
        with command as (update device_commands set deadline = now() where device_uid = $1)
        update actions set deadline = now() where device_uid = $1 and completed_at is null
    """
    connection = await asyncpg.connect(f"{stack.info['postgres']}/device_management")
    try:

        async def passed() -> bool:
            return await connection.execute(overdue, uid) == "UPDATE 1"

        await eventually(passed, interval=0.2, why="the device that is away is asked")
    finally:
        await connection.close()


async def test_actions_wait_their_turn_run_and_complete_and_the_device_shows_it(
    people: httpx.AsyncClient, simulated: Simulated, prefix: str
):
    device = await simulated(prefix, 1)
    uid = f"{prefix}-0001"
    device.send_signal(signal.SIGSTOP)
    try:
        first, second, *others = [await ask(people, uid, "calibrate") for _ in range(4)]
        unwanted = others.pop()
        shown = await read(people, f"devices/{uid}")
        assert (shown["status"], shown["current_action_id"]) == ("busy", first["action_id"])
        assert [action["state"] for action in (first, second, unwanted)] == ["running", "pending", "pending"]
        cancelled = await people.post(f"/api/v2/actions/{unwanted['action_id']}/cancel")
        assert cancelled.json()["state"] == "cancelled"
    finally:
        device.send_signal(signal.SIGCONT)
    await becomes(people, second, "running")
    for action in (first, second, *others):
        done = await becomes(people, action, "completed")
        assert [attempt["state"] for attempt in done["attempts"]] == ["completed"]
    assert (await read(people, f"actions/{unwanted['action_id']}"))["attempts"] == []

    async def idle() -> bool:
        shown = await read(people, f"devices/{uid}")
        return shown["current_action_id"] is None and shown["status"] not in {"busy", "offline"}

    await eventually(idle, why="the device shows that it is idle")


async def test_a_reboot_completes_when_the_device_is_back(people: httpx.AsyncClient, simulated: Simulated, prefix: str):
    await simulated(prefix, 1)
    reboot = await ask(people, f"{prefix}-0001", "SYSTEM_REBOOT")
    after = await ask(people, f"{prefix}-0001", "calibrate")
    done = [await becomes(people, action, "completed") for action in (reboot, after)]
    assert done[0]["completed_at"] <= done[1]["started_at"]


async def test_many_devices_are_configured_by_query_and_the_one_that_was_away_by_a_retry(
    stack: Stack, people: httpx.AsyncClient, simulated: Simulated, prefix: str
):
    away = f"{prefix}away-0001"
    (await people.post("/api/v2/devices", json={"device_uid": away})).raise_for_status()
    await simulated(prefix, 30)
    body = {"rql": f'like(device_uid,"{prefix}*")', "params": {"interval_s": 5}, "concurrency": 10, "deadline_s": 600}
    job = (await people.post("/api/v2/configuration/jobs", json=body)).raise_for_status().json()
    assert job["total"] == 31
    await is_overdue(stack, away)
    outcomes = await ends(people, job)
    assert [name for name, item in outcomes.items() if item["state"] != "succeeded"] == [away]
    assert {item["reason"] for name, item in outcomes.items() if name != away} == {None}
    assert (outcomes[away]["state"], outcomes[away]["reason"]) == ("failed", "the deadline passed")
    set_on = await read(people, f"devices/{prefix}-0030/configuration")
    assert set_on["desired"] == {"interval_s": 5}

    async def reported() -> bool:
        return (await read(people, f"devices/{prefix}-0030/configuration"))["reported"] == {"interval_s": 5}

    await eventually(reported)
    assert (await read(people, f"devices/{prefix}-0030/configuration"))["drift"] == {}
    assert (await read(people, f"devices/{away}/configuration"))["drift"] is None

    await simulated(f"{prefix}away", 1)

    async def drifts() -> bool:
        found = await read(people, f"devices/{away}/configuration")
        return found["drift"] == {"interval_s": {"desired": 5, "reported": None}}

    await eventually(drifts, why="drift of the device that has missed the change")
    again = (await people.post(f"/api/v2/configuration/jobs/{job['id']}/retry")).raise_for_status().json()
    assert again["run_id"] != job["run_id"]
    outcomes = await ends(people, job)
    assert {item["state"] for item in outcomes.values()} == {"succeeded"}
    assert {name: item["attempts"] for name, item in outcomes.items() if item["attempts"] != 1} == {away: 2}
