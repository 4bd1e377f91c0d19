"""The demonstration on the whole platform."""

import re

import httpx

from muster_stack.demo import SIMULATOR, Demo
from muster_stack.stack import Stack
from shared.testing import eventually


async def test_a_fleet_publishes_and_a_third_of_it_is_updated(stack: Stack, people: httpx.AsyncClient):
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

        await eventually(updated, timeout=60)
    finally:
        stack.processes.stop([SIMULATOR])
