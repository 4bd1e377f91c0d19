"""The simulated fleet on the whole platform: what it says was confirmed can be read, whatever ends it."""

import asyncio
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.testing import eventually

MUSTER = Path(sys.executable).parent / "muster"


@pytest.fixture
def prefix() -> str:
    return f"e2e{uuid4().hex[:6]}"


@pytest.fixture
async def api(stack):
    """The gateway's REST interface, signed in as the administrator."""
    admin = stack.info["admin"]
    async with httpx.AsyncClient(base_url=f"{stack.info['gateway']}/api/v2", timeout=60) as http:
        form = {"username": admin["email"], "password": admin["password"]}
        token = (await http.post("/auth/login", data=form)).raise_for_status().json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


async def start(stack, prefix: str, *arguments: str) -> asyncio.subprocess.Process:
    command = ("simulate", "--json", "--stack", str(stack.layout.root), "--prefix", prefix, *arguments)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(MUSTER, *command, stdout=pipe, stderr=pipe)


async def report_of(process: asyncio.subprocess.Process) -> dict[str, Any]:
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return json.loads(output)


async def stored(api: httpx.AsyncClient, uid: str) -> int:
    """The device's samples in monitoring, read page by page."""
    count, cursor = 0, None
    while True:
        params = {"device_uid": uid, "limit": "500", **({"cursor": cursor} if cursor else {})}
        page = (await api.get("/telemetry", params=params)).raise_for_status().json()
        count += len(page["items"])
        cursor = page["next"]
        if cursor is None:
            return count


async def online(api: httpx.AsyncClient, prefix: str) -> Counter[bool]:
    found: Counter[bool] = Counter()
    cursor = None
    while True:
        params = {"limit": "500", **({"cursor": cursor} if cursor else {})}
        page = (await api.get("/presence", params=params)).raise_for_status().json()
        found.update(item["online"] for item in page["items"] if item["device_uid"].startswith(prefix))
        cursor = page["next"]
        if cursor is None:
            return found


async def test_25_devices_connect_and_every_confirmed_sample_can_be_read(stack, api, prefix):
    running = await start(stack, prefix, "--devices", "25", "--rate", "2", "--account-within", "0")

    async def all_online() -> bool:
        return (await online(api, prefix))[True] == 25

    async def all_have_reported() -> bool:
        return all([await stored(api, f"{prefix}-{number:04d}") > 8 for number in range(1, 26)])

    await eventually(all_online)
    await eventually(all_have_reported, interval=0.5)
    running.send_signal(signal.SIGTERM)
    report = await report_of(running)
    assert (report["devices"], report["registered"], report["ever_connected"]) == (25, 25, 25)
    assert report["sent"] == report["confirmed"] > 200
    assert (report["failed"], report["troubles"]) == (0, {})

    async def all_stored() -> bool:
        counts = [await stored(api, f"{prefix}-{number:04d}") for number in range(1, 26)]
        return sum(counts) == report["confirmed"]

    await eventually(all_stored)


async def test_sigterm_ends_a_fleet_in_good_order_and_the_next_run_reuses_its_devices_and_tokens(stack, api, prefix):
    running = await start(stack, prefix, "--devices", "5", "--rate", "5")

    async def all_online() -> bool:
        return (await online(api, prefix))[True] == 5

    await eventually(all_online)
    running.send_signal(signal.SIGTERM)
    report = await report_of(running)
    assert report["sent"] == report["confirmed"]
    assert report["received"] is not None

    async def all_offline() -> bool:
        return await online(api, prefix) == {False: 5}

    await eventually(all_offline)
    brief = ("--devices", "5", "--duration", "1", "--account-within", "0")
    again = await report_of(await start(stack, prefix, *brief))
    assert (again["registered"], again["found"], again["tokens_issued"], again["tokens_reused"]) == (0, 5, 0, 5)


async def test_a_fleet_that_loses_its_broker_comes_back_and_still_every_confirmed_sample_can_be_read(
    stack, api, prefix
):
    uids = [f"{prefix}-000{number}" for number in range(1, 6)]
    running = await start(stack, prefix, "--devices", "5", "--rate", "5")

    async def all_online() -> bool:
        return (await online(api, prefix))[True] == 5

    await eventually(all_online)
    try:
        await asyncio.to_thread(stack.kill, "rabbitmq")
    finally:
        await asyncio.to_thread(stack.start, "rabbitmq")
    before = {uid: await stored(api, uid) for uid in uids}

    async def all_report_again() -> bool:
        return all([await stored(api, uid) > before[uid] + 5 for uid in uids])

    await eventually(all_report_again)
    running.send_signal(signal.SIGTERM)
    report = await report_of(running)
    assert report["reconnects"] >= 5
    assert report["sent"] == report["confirmed"]

    async def all_stored() -> bool:
        return sum([await stored(api, uid) for uid in uids]) == report["confirmed"]

    await eventually(all_stored)
