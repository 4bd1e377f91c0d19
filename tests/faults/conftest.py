"""Processes beside the stack's own, and devices that publish without a pause and know what the broker has confirmed."""

import asyncio
import json
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from muster_cli.mqtt.connection import MqttConnection, MqttError
from muster_cli.mqtt.packets import Will
from muster_stack.ports import any_free
from muster_stack.stack import Stack
from shared.testing import eventually


@dataclass
class Publisher:
    """One device: each sample goes out again, unchanged, until the broker has confirmed it."""

    uid: str
    token: str
    mqtt: str
    boot: str = field(default_factory=lambda: uuid4().hex[:8])
    confirmed: list[int] = field(default_factory=list)
    began_ms: int = field(default_factory=lambda: int(time.time() * 1000) - 600_000)

    async def run(self, per_second: float) -> None:
        host, port = self.mqtt.split(":")
        topic = f"devices/{self.uid}"
        sequence = 0
        while True:
            connection = MqttConnection(lambda: None)
            try:
                will = Will(f"{topic}/status", b'{"online":false}')
                await connection.open(host, int(port), uid=self.uid, token=self.token, will=will)
                while True:
                    await connection.publish(f"{topic}/telemetry", self._sample(sequence))
                    self.confirmed.append(sequence)
                    sequence += 1
                    await asyncio.sleep(1 / per_second)
            except MqttError:
                await asyncio.sleep(0.2)

    def _sample(self, sequence: int) -> bytes:
        """The same bytes for the same sequence: the second delivery of a sample must be recognised."""
        at = self.began_ms + 20 * sequence
        return json.dumps({"ts": at, "seq": sequence, "boot": self.boot, "metrics": {"n": sequence}}).encode()


@dataclass
class Load:
    """A fleet that publishes until its context ends."""

    publishers: list[Publisher]
    people: httpx.AsyncClient

    @property
    def confirmed(self) -> int:
        return sum(len(publisher.confirmed) for publisher in self.publishers)

    async def reaches(self, more: int, *, within: float = 60) -> None:
        """Waits until `more` messages have been confirmed from now on."""
        goal = self.confirmed + more
        await eventually(lambda: self.confirmed >= goal, timeout=within, why=f"{goal} confirmed messages")

    async def stored(self, publisher: Publisher) -> Counter[int]:
        """How often each sequence is stored."""
        found: Counter[int] = Counter()
        cursor = None
        while True:
            query = {"device_uid": publisher.uid, "limit": 500} | ({"cursor": cursor} if cursor else {})
            answer = await self.people.get("/api/v2/telemetry", params=query)
            answer.raise_for_status()
            found.update(int(item["metrics"]["n"]) for item in answer.json()["items"])
            cursor = answer.json()["next"]
            if cursor is None:
                return found

    async def all_stored_once(self) -> None:
        """Every confirmed sample becomes readable, and none twice."""
        for publisher in self.publishers:

            async def complete(publisher: Publisher = publisher) -> bool:
                stored = await self.stored(publisher)
                missing = set(publisher.confirmed) - set(stored)
                assert not missing, f"{len(missing)} of {len(publisher.confirmed)} samples of {publisher.uid} missing"
                return True

            await eventually(complete, timeout=60, interval=0.5, why=f"everything of {publisher.uid} stored")
            stored = await self.stored(publisher)
            assert set(stored.values()) == {1}, "a sample is stored twice"


@pytest.fixture
def beside(stack: Stack):
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
def load(stack: Stack, people: httpx.AsyncClient):
    """`async with load(devices=10, per_second=500) as fleet`: registers, logs in, publishes."""

    @asynccontextmanager
    async def open_load(*, devices: int, per_second: float) -> AsyncIterator[Load]:
        publishers: list[Publisher] = []
        for _ in range(devices):
            uid = f"fault-{uuid4().hex[:8]}"
            (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
            token = (await people.post(f"/api/v2/devices/{uid}/token")).json()["token"]
            publishers.append(Publisher(uid, token, stack.info["mqtt"]))
        fleet = Load(publishers, people)
        tasks = [asyncio.create_task(publisher.run(per_second / devices)) for publisher in publishers]
        try:
            yield fleet
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return open_load
