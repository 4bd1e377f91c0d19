"""One update through all three services and a simulated device, through the gateway, by the commands of the README."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from muster_stack.programs import of_this_environment
from muster_stack.stack import Stack
from shared.testing import eventually

MUSTER = of_this_environment("muster")
IMAGE = os.urandom(600_000)


@dataclass
class Done:
    code: int
    output: str
    errors: str

    @property
    def fields(self) -> dict[str, str]:
        return dict(line.split(": ", 1) for line in self.output.splitlines())


Run = Callable[..., Awaitable[Done]]


@pytest.fixture
def muster(stack: Stack) -> Run:
    """Runs the command against the stack."""

    async def run(*arguments: str) -> Done:
        command = (MUSTER, *arguments, "--stack", str(stack.layout.root))
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        output, errors = await process.communicate()
        return Done(process.returncode or 0, output.decode(), errors.decode())

    return run


@pytest.fixture
def prefix() -> str:
    return f"upd{uuid4().hex[:6]}"


@pytest.fixture
async def fleet(stack: Stack, people: httpx.AsyncClient, prefix: str) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Starts two simulated devices, `<prefix>-0001` and `-0002`; returns when ota-service knows that they are there."""
    running: list[asyncio.subprocess.Process] = []

    async def start(*options: str) -> None:
        command = (MUSTER, "simulate", "--stack", str(stack.layout.root), "--prefix", prefix, "--devices", "2")
        null = asyncio.subprocess.DEVNULL
        options = ("--account-within", "0", *options)
        running.append(await asyncio.create_subprocess_exec(*command, *options, stdout=null, stderr=null))

        async def online() -> bool:
            answers = [await people.get("/api/v2/presence", params={"device_uid": f"{prefix}-000{n}"}) for n in (1, 2)]
            return all(answer.json().get("items", [{}])[0].get("online") for answer in answers)

        await eventually(online, why="both devices are online")

    yield start
    for process in running:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)


@pytest.fixture
async def firmware(muster: Run, tmp_path: Path) -> str:
    """Approved firmware of a name of its own."""
    return await upload(muster, tmp_path)


async def upload(muster: Run, directory: Path, *, version: str = "1.0.0", approve: bool = True) -> str:
    name = f"os-{uuid4().hex[:6]}"
    path = directory / f"{name}.bin"
    path.write_bytes(IMAGE)
    uploaded = await muster("firmware", "upload", str(path), "--name", name, "--version", version)
    assert uploaded.code == 0, uploaded.errors
    assert uploaded.fields["State"] == "uploaded"
    if approve:
        approved = await muster("firmware", "approve", f"{name}@{version}")
        assert approved.fields["State"] == "approved"
    return f"{name}@{version}"


async def start(muster: Run, uid: str, firmware: str) -> str:
    """Its session's id."""

    async def started() -> Done:
        done = await muster("updates", "start", uid, "--firmware", firmware)
        # A device is known to ota-service a moment after its registration.
        assert "device_not_found" not in done.errors
        return done

    done = await eventually(started)
    assert done.code == 0, done.errors
    return done.fields["Session"]


async def listen(stack: Stack, mosquitto_sub: Path, uid: str, token: str) -> asyncio.subprocess.Process:
    """A client of another maker, which reads one command."""
    host, port = stack.info["mqtt"].split(":")
    return await asyncio.create_subprocess_exec(
        *(mosquitto_sub, "-h", host, "-p", port, "-V", "311", "-q", "1", "-t", f"devices/{uid}/commands"),
        *("-C", "1", "-W", "60", "-i", uid, "-u", uid, "-P", token),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


@pytest.fixture
async def pump(people: httpx.AsyncClient) -> tuple[str, str]:
    """A registered device that nothing plays: uid and token."""
    uid = f"pump-{uuid4().hex[:6]}"
    (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
    return uid, (await people.post(f"/api/v2/devices/{uid}/token")).json()["token"]


async def test_a_device_is_updated_and_every_service_knows_its_new_version(muster, people, fleet, firmware, prefix):
    await fleet()
    uid = f"{prefix}-0001"
    session = await start(muster, uid, firmware)
    watched = await muster("updates", "watch", session)
    assert watched.code == 0, watched.errors
    assert watched.fields["State"] == "completed"
    assert watched.fields["Firmware"] == firmware

    async def known() -> bool:
        answers = [await people.get(f"/api/v2/{copies}/{uid}") for copies in ("devices", "fleet")]
        return [answer.json()["firmware_version"] for answer in answers] == ["1.0.0"] * 2

    await eventually(known, why="device-management knows the version, and so does the copy of ota-service")
    assert (await muster("devices", "get", uid)).fields["Firmware"] == "1.0.0"
    again = await start(muster, uid, await upload_next(muster, people, firmware))
    shown = await muster("updates", "show", again)
    assert shown.fields["Before"] == "1.0.0"
    assert (await muster("updates", "watch", uid)).code == 0


async def upload_next(muster: Run, people: httpx.AsyncClient, firmware: str) -> str:
    name = firmware.partition("@")[0]
    files = {"file": (f"{name}.bin", os.urandom(1000))}
    answer = await people.post("/api/v2/firmware", files=files, data={"name": name, "version": "1.1.0"})
    assert answer.status_code == 201
    await muster("firmware", "approve", f"{name}@1.1.0")
    return f"{name}@1.1.0"


async def test_an_announcement_reaches_a_client_of_another_maker_also_when_it_was_away(
    stack, muster, mosquitto_sub, firmware, pump
):
    uid, token = pump
    session = await start(muster, uid, firmware)
    listening = await listen(stack, mosquitto_sub, uid, token)
    heard, _ = await asyncio.wait_for(listening.communicate(), 60)
    command = json.loads(heard)
    name, version = firmware.split("@")
    assert command["type"] == "update_available"
    assert command["params"] == {"session_id": session, "firmware_name": name, "firmware_version": version}
    assert set(command) == {"id", "type", "params", "deadline"}


async def test_what_must_not_happen_is_refused_with_a_reason(stack, muster, people, firmware, pump, tmp_path):
    uid, token = pump
    unapproved = await upload(muster, tmp_path, approve=False)
    session = await start(muster, uid, firmware)
    refused = await muster("updates", "start", uid, "--firmware", unapproved)
    assert (refused.code, "firmware_not_approved" in refused.errors) == (1, True)
    second = await muster("updates", "start", uid, "--firmware", firmware)
    assert (second.code, "update_session_open" in second.errors) == (1, True)
    other = f"pump-{uuid4().hex[:6]}"
    (await people.post("/api/v2/devices", json={"device_uid": other})).raise_for_status()
    others_token = (await people.post(f"/api/v2/devices/{other}/token")).json()["token"]
    path = f"/api/v2/device/{uid}/updates/{session}"
    async with httpx.AsyncClient(base_url=stack.info["gateway"], timeout=60) as device:

        async def post(path: str, token: str) -> tuple[int, str]:
            answer = await device.post(path, headers={"Authorization": f"Bearer {token}"})
            return answer.status_code, answer.json().get("code", "")

        assert await post(f"{path}/flashed", token) == (409, "wrong_transition")
        assert (await post(f"{path}/ack", others_token))[0] == 403
        foreign = f"/api/v2/device/{other}/updates/{session}/ack"

        async def unknown() -> bool:
            return await post(foreign, others_token) == (404, "update_session_not_found")

        await eventually(unknown)
        assert (await muster("updates", "cancel", session)).fields["State"] == "cancelled"
        assert await post(f"{path}/ack", token) == (409, "wrong_transition")
    history = await muster("updates", "show", session)
    assert "device: flashed, refused" in history.output


async def test_a_tampered_file_is_never_run(stack, muster, people, fleet, tmp_path, prefix):
    """A byte is flipped in the file on the platform's own disk."""
    await fleet()
    uid = f"{prefix}-0002"
    firmware = await upload(muster, tmp_path)
    blobs = [path for path in stack.layout.firmware.rglob("*") if path.is_file() and path.stat().st_size == len(IMAGE)]
    newest = max(blobs, key=lambda path: path.stat().st_mtime)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    session = await start(muster, uid, firmware)
    watched = await muster("updates", "watch", session)
    assert watched.code == 1
    assert watched.fields["State"] == "failed, firmware_damaged: the platform does not have the image whole"
    assert (await muster("devices", "get", uid)).fields["Firmware"] == "-"


async def test_a_simulator_that_is_killed_in_a_download_finishes_the_update_in_its_next_life(
    stack, muster, people, fleet, firmware, prefix
):
    uid = f"{prefix}-0001"
    command = (MUSTER, "simulate", "--stack", str(stack.layout.root), "--prefix", prefix, "--devices", "2")
    null = asyncio.subprocess.DEVNULL
    slow = await asyncio.create_subprocess_exec(*command, "--link-speed", "20", stdout=null, stderr=null)
    try:

        async def registered() -> bool:
            return (await people.get(f"/api/v2/devices/{uid}")).status_code == 200

        await eventually(registered)
        session = await start(muster, uid, firmware)

        async def downloading() -> bool:
            return (await people.get(f"/api/v2/updates/{session}")).json()["state"] == "downloading"

        await eventually(downloading)
    finally:
        slow.kill()
        await slow.wait()
    await fleet()
    assert (await muster("updates", "watch", session)).code == 0
