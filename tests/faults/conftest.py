"""Processes beside the stack's own, a fleet that publishes without a pause, and what the broker has counted."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from uuid import uuid4

import httpx
import pytest

from muster_stack.ports import any_free
from muster_stack.stack import Stack
from shared.cancellation import end
from shared.testing import eventually

from .database import Database
from .ledger import Device, Ledger, Mix, OpenLoad

_END_S = 120.0
FLEET = 20

Simulated = Callable[[str, int], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
def beside(stack: Stack) -> Callable[[str], AbstractContextManager[None]]:
    """`with beside("ota-service-worker"):` runs another one beside the stack's own."""

    @contextmanager
    def beside(name: str) -> Iterator[None]:
        [first] = [state.pid for state in stack.status() if state.name == name]
        process = Path(f"/proc/{first}")
        environment = dict(entry.split("=", 1) for entry in (process / "environ").read_text().split("\0") if entry)
        argv = (process / "cmdline").read_text().rstrip("\0").split("\0")
        another = subprocess.Popen(
            argv,
            cwd=(process / "cwd").resolve(),
            env=environment | {"MUSTER_METRICS_PORT": str(any_free())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            another.kill()
            another.wait()

    return beside


@pytest.fixture
def load(stack: Stack, people: httpx.AsyncClient) -> OpenLoad:
    """`async with load(devices=10, per_second=500) as ledger`: registers, logs in, publishes."""

    @asynccontextmanager
    async def open_load(
        *,
        devices: int,
        per_second: float,
        mix: Mix = Mix(),  # noqa: B008 - it is frozen
        seed: int = 1,
    ) -> AsyncIterator[Ledger]:
        fleet: list[Device] = []
        for number in range(devices):
            uid = f"fault-{uuid4().hex[:8]}"
            (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
            token = (await people.post(f"/api/v2/devices/{uid}/token")).json()["token"]
            random = Random(f"{seed}-{number}")  # noqa: S311 - no secret
            fleet.append(Device(uid, token, stack.info["mqtt"], mix, random))
        tasks = [asyncio.create_task(device.run(per_second / devices)) for device in fleet]
        try:
            yield Ledger(fleet, people)
            for device in fleet:
                device.ending = True
            async with asyncio.timeout(_END_S):
                await asyncio.gather(*tasks)
        finally:
            await end(tasks)

    return open_load


@pytest.fixture
def database(stack: Stack) -> Database:
    return Database(stack)


@pytest.fixture
async def fleet(simulated: Simulated, database: Database) -> str:
    """The prefix of devices that are there and that ota-service knows."""
    prefix = f"fleet{uuid4().hex[:6]}"
    await simulated(prefix, FLEET)

    async def copied() -> bool:
        found = await database.rows("select count(*) from fleet_devices where device_uid like $1", f"{prefix}-%")
        return found[0]["count"] == FLEET

    await eventually(copied, why="the copy has the fleet")
    return prefix
