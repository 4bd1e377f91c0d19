"""The device calls as people type them, over REST and over gRPC, against a device that carries out what it is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from muster_stack.programs import of_this_environment
from muster_stack.stack import Stack

pytestmark = pytest.mark.timeout(300)

WORKFLOW = """
set -e
muster register {new} --name "Test Device" --type "gateway"
muster get-info {new}
muster set-status {new} MAINTENANCE
ACTION_ID=$(muster initiate-action {uid} SOFTWARE_UPDATE --params version={version} \\
    | grep "Action ID" | awk '{{print $3}}')
muster poll-action $ACTION_ID --interval 0.5
muster action-status $ACTION_ID
muster get-info {uid}
muster list
"""


@pytest.mark.parametrize("transport", ["rest", "grpc"])
async def test_a_device_is_registered_looked_at_and_updated_by_the_word(
    transport: str,
    stack: Stack,
    people: httpx.AsyncClient,
    simulated: Callable[[str, int], Awaitable[Any]],
    image: Callable[..., Awaitable[dict[str, Any]]],
):
    prefix = f"word{uuid4().hex[:6]}"
    await simulated(prefix, 1)
    names = {"uid": f"{prefix}-0001", "new": f"{prefix}-new", "version": f"2.1.{uuid4().int % 100_000}"}
    await image(names["version"])
    where = f"--stack {stack.layout.root} --transport {transport}"
    command = f'muster() {{ {of_this_environment("muster")} {where} "$@"; }}\n' + WORKFLOW.format(**names)
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, wrong = (each.decode() for each in await process.communicate())
    assert process.returncode == 0, said + wrong
    assert f"✓ Device '{names['new']}' registered successfully\n" in said
    assert "  Current:  MAINTENANCE\n" in said
    assert "✓ Action completed successfully!\n" in said
    assert "Type: SOFTWARE_UPDATE\n" in said
    assert f"\n{names['uid']}" in said.split("Registered Devices", 1)[1]
    found = (await people.get(f"/api/v2/devices/{names['uid']}")).json()
    assert found["firmware_version"] == names["version"]
