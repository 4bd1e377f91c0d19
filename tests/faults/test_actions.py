"""Actions reach real devices and end, though the broker is away while they are asked for and workers die."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest

from muster_cli.mqtt.connection import MqttConnection, MqttError
from muster_cli.mqtt.packets import Will
from muster_stack.stack import Stack
from shared.cancellation import end
from shared.testing import eventually


@dataclass
class Doer:
    """A device that does what it is asked, once for each id, and says so until the broker has confirmed it."""

    uid: str
    token: str
    mqtt: str
    came: Counter[str] = field(default_factory=Counter)
    done: list[str] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            with suppress(MqttError):
                await self._session()
            await asyncio.sleep(0.2)

    async def _session(self) -> None:
        host, port = self.mqtt.split(":")
        asked: asyncio.Queue[bytes | None] = asyncio.Queue()
        connection = MqttConnection(lambda: asked.put_nowait(None), lambda _, body: asked.put_nowait(body))
        will = Will(f"devices/{self.uid}/status", b'{"online":false}')
        await connection.open(host, int(port), uid=self.uid, token=self.token, will=will)
        await connection.subscribe(f"devices/{self.uid}/commands")
        while (body := await asked.get()) is not None:
            command = json.loads(body)
            self.came[command["id"]] += 1
            await self._say(connection, id=command["id"], state="running", progress=50)
            if command["id"] not in self.done:
                self.done.append(command["id"])
            await self._say(connection, id=command["id"], state="completed", result={"n": command["params"]["n"]})

    async def _say(self, connection: MqttConnection, **reply: object) -> None:
        await connection.publish(f"devices/{self.uid}/replies", json.dumps(reply).encode())


@pytest.fixture
async def doers(stack: Stack, people: httpx.AsyncClient) -> list[Doer]:
    made: list[Doer] = []
    for _ in range(4):
        uid = f"doer-{uuid4().hex[:8]}"
        (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
        token = (await people.post(f"/api/v2/devices/{uid}/token")).json()["token"]
        made.append(Doer(uid, token, stack.info["mqtt"]))
    return made


@pytest.fixture
async def running() -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks: list[asyncio.Task[None]] = []
    yield tasks
    await end(tasks)


async def test_every_action_is_done_once_and_known_to_be(
    stack: Stack, people: httpx.AsyncClient, doers: list[Doer], running
):
    here, away = doers[:2], doers[2:]
    running += [asyncio.create_task(doer.run()) for doer in here]
    asked = await _ask(people, doers, 1)
    await eventually(lambda: all(doer.done for doer in here), why="the first actions done where they can be")
    assert not any(doer.came for doer in away)

    stack.kill("rabbitmq")
    try:
        asked += await _ask(people, doers, 2)
    finally:
        stack.start("rabbitmq")
    stack.kill("device-management-worker")
    asked += await _ask(people, doers, 3)
    running += [asyncio.create_task(doer.run()) for doer in away]
    stack.start("device-management-worker")

    async def all_completed() -> bool:
        states = [(await people.get(f"/api/v2/actions/{action_id}")).json()["state"] for action_id in asked]
        return set(states) == {"completed"}

    await eventually(all_completed, interval=0.5, why="every action completed")
    for doer in doers:
        mine = (await people.get("/api/v2/actions", params={"device_uid": doer.uid})).json()["items"]
        assert [action["result"]["n"] for action in mine] == [3, 2, 1]
        assert len(doer.done) == 3


async def _ask(people: httpx.AsyncClient, doers: list[Doer], n: int) -> list[int]:
    answers = [
        await people.post("/api/v2/actions", json={"device_uid": doer.uid, "type": "dance", "params": {"n": n}})
        for doer in doers
    ]
    assert {answer.status_code for answer in answers} == {202}
    return [answer.json()["action_id"] for answer in answers]
