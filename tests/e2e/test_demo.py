"""The demonstration on the whole platform, and the commands of the README as they are written."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import httpx

from muster_stack.demo import SIMULATOR, Demo
from muster_stack.layout import REPOSITORY
from muster_stack.stack import Stack
from shared.testing import eventually


def readme_commands(containing: str) -> str:
    """The indented block of the README in which these words are."""
    blocks = (REPOSITORY / "README.md").read_text().split("\n\n")
    return next(block for block in blocks if block.startswith("    ") and containing in block)


def run(script: str, stack: Stack, directory: Path) -> str:
    """Runs it as in a checkout whose stack this is; answers what it prints."""
    (directory / ".local").symlink_to(stack.layout.root)
    (directory / ".venv").symlink_to(sys.prefix)
    command = ("bash", "-e", "-c", script)
    return subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE, text=True, timeout=240).stdout


async def test_a_third_of_the_fleet_is_updated_and_then_another_device_as_the_readme_says(
    stack: Stack, people: httpx.AsyncClient, tmp_path: Path
):
    said: list[str] = []
    demonstration = Demo(stack.layout, say=said.append)
    try:
        assert demonstration.begin(4)
        demonstration.update(4)
        assert not demonstration.begin(4)
        told = re.fullmatch(r"sensor-os@(\S+) is uploaded and approved; 2 devices take it, one each 2 s", *said)
        assert told is not None

        async def updated() -> bool:
            answers = [await people.get(f"/api/v2/devices/sim-000{number}") for number in (1, 2, 3, 4)]
            return [answer.json()["firmware_version"] for answer in answers] == [told[1], None, None, told[1]]

        await eventually(updated)
        watched = await asyncio.to_thread(run, readme_commands("firmware upload"), stack, tmp_path)
        assert "State: completed" in watched
        assert "Firmware: pump-os@1.0.0" in watched
    finally:
        stack.processes.stop([SIMULATOR])
