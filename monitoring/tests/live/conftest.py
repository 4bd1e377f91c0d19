"""Clients of the Socket.IO project's own Python client against a real server, and a worker's voice on the broker."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import socketio

from monitoring.app import build
from monitoring.frames.service import FrameSender
from monitoring.live.service import LiveService
from monitoring.snapshots.states import Topic
from shared.messaging.connection import Broker
from shared.messaging.publisher import Publisher
from shared.testing.attack import served
from shared.worker import in_background


@dataclass
class Person:
    """One connection, and everything it was sent, in order."""

    address: str
    token: str | None
    client: socketio.AsyncClient = field(default_factory=lambda: socketio.AsyncClient(reconnection=False))
    heard: list[tuple[str, Any]] = field(default_factory=list)

    async def connect(self, transports=("websocket",)) -> "Person":
        for event in ("snapshot", *(topic.event for topic in Topic)):
            self.client.on(event, lambda data, event=event: self.heard.append((event, data)))
        auth = None if self.token is None else {"token": self.token}
        await self.client.connect(self.address, auth=auth, transports=list(transports), wait_timeout=60)
        return self

    async def ask(self, event: str, payload: Any = None) -> Any:
        return await self.client.call(event, payload, timeout=60)

    def of(self, event: str) -> list[Any]:
        return [data for name, data in self.heard if name == event]


@pytest.fixture
async def address(settings, monkeypatch) -> AsyncIterator[str]:
    """The api once it hears frames: who watches before that gets a second snapshot then, and misses some."""
    follows, resume = asyncio.Event(), LiveService.resume

    async def told(live: LiveService) -> None:
        await resume(live)
        follows.set()

    monkeypatch.setattr(LiveService, "resume", told)
    async with served(build(settings)) as address:
        await follows.wait()
        yield address


@pytest.fixture
async def person(address, credentials) -> AsyncIterator[Any]:
    """Makes people of organization 1, not yet connected."""
    made: list[Person] = []

    def make(*, token: str | None = "", scopes=("telemetry:read", "devices:read"), **claims) -> Person:
        made.append(Person(address, credentials.person(*scopes, **claims) if token == "" else token))
        return made[-1]

    yield make
    for one in made:
        await one.client.disconnect()


@pytest.fixture
async def frames(rabbitmq_server) -> AsyncIterator[FrameSender]:
    """What a worker's slices tell of."""
    async with Broker.open(rabbitmq_server.url, name="test-worker") as broker:
        await broker.publishing.opened()
        sender = FrameSender(Publisher(broker, timeout=timedelta(minutes=1)))
        async with in_background({"frames": sender.run}):
            yield sender
