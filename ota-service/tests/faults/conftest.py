"""The releases of the releases' tests, and workers that are processes of their own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from muster_stack.ports import any_free
from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.testing import eventually

from ..releases.conftest import *  # noqa: F403

PROGRAM = Path(__file__).with_name("worker_processes.py")
LEASE_S = 2
"""After which the transaction of a worker that stands still is ended."""


@pytest.fixture
async def broker(amqp_url) -> AsyncIterator[Broker]:
    """A virtual host in which everything is declared."""
    async with Broker.open(amqp_url, name="test") as broker:
        await topology.declare(broker, broker_events=None)
        yield broker


@pytest.fixture
async def workers(app, settings, broker) -> AsyncIterator[Callable[[int, str], Awaitable[list[int]]]]:
    """`await workers(3, amqp_url)` starts three, and answers their process ids once they live."""
    started: list[asyncio.subprocess.Process] = []

    async def start(count: int, amqp_url: str) -> list[int]:
        ports = [any_free() for _ in range(count)]
        environment = {
            "MUSTER_POSTGRES_URL": settings.postgres_url,
            "MUSTER_POSTGRES_DATABASE": settings.postgres_database,
            "MUSTER_POSTGRES_FROZEN_SECONDS": str(LEASE_S),
            "MUSTER_KEYS_DIR": str(settings.keys_dir),
            "MUSTER_FIRMWARE_STORE": settings.firmware_store,
            "MUSTER_AMQP_URL": amqp_url,
            "MUSTER_LOG_LEVEL": "ERROR",
        }
        command = (sys.executable, str(PROGRAM), *map(str, ports))
        process = await asyncio.create_subprocess_exec(
            *command, env=os.environ | environment, stdout=asyncio.subprocess.PIPE, start_new_session=True
        )
        started.append(process)
        assert process.stdout is not None
        pids = [int(await process.stdout.readline()) for _ in range(count)]
        async with httpx.AsyncClient() as client:

            async def alive() -> bool:
                answers = [await client.get(f"http://127.0.0.1:{port}/livez") for port in ports]
                return all(answer.is_success for answer in answers)

            async def asked() -> bool:
                try:
                    return await alive()
                except httpx.TransportError:
                    return False

            await eventually(asked, interval=0.1, why="the workers live")
        return pids

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
