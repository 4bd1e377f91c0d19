"""Two hundred people watch and some of them stop reading: the others miss nothing, and little is held for anybody.

How fast the others are served meanwhile is measured, not tested.
"""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

import aiohttp
import pytest
import uvicorn
from fastapi import FastAPI
from prometheus_client import REGISTRY

from monitoring.live.sockets import Sockets
from shared.cancellation import end
from shared.http.server import STALLED_SECONDS, end_stalled
from shared.testing import eventually

CLIENTS, STALLED, UNREAD = 200, 20, 4
AT_ONCE = 50
ROOM = "telemetry/1/*"
FRAME = "x" * 20_000
MOST_FRAMES = 60
_BUFFER_BYTES = 16 * 1024

_NUMBER = re.compile(r'^42\["telemetry",\{"number":(\d+),')


class Everyone:
    """The verbs, for people who may all watch the one room."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self.joined = 0

    def connect(self, sid: str, auth: object) -> None:
        pass

    async def disconnect(self, sid: str) -> None:
        pass

    async def subscribe(self, sid: str, payload: object) -> None:
        await self._sockets.enter(sid, ROOM)
        self.joined += 1

    unsubscribe = authenticate = subscribe


@dataclass
class Served:
    """Sockets behind a real server, which hands little to the system before its clients have read it."""

    sockets: Sockets
    everyone: Everyone
    server: uvicorn.Server
    address: str

    def connections(self) -> list[socket.socket]:
        return [one.transport.get_extra_info("socket") for one in self.server.server_state.connections]

    def waiting(self) -> list[int]:
        """Packets that wait for each client, closed connections included."""
        return [one.queue.qsize() for one in self.sockets._engine.sockets.values()]


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    sockets = Sockets(origins=(), unread=UNREAD)
    everyone = Everyone(sockets)
    sockets.serve(everyone)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        end_stalled(listening)
        listening.bind(("127.0.0.1", 0))
        app = sockets.mount(FastAPI(), max_body_bytes=1_000_000)
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await eventually(lambda: server.started)
        yield Served(sockets, everyone, server, f"http://127.0.0.1:{listening.getsockname()[1]}")
        server.should_exit = True
        await serving


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    def with_small_buffers(address) -> socket.socket:
        family, kind, protocol, _, _ = address
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        return made

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, socket_factory=with_small_buffers)
    ) as made:
        yield made


@pytest.fixture
def join(session, served) -> Callable[[], object]:
    async def join() -> aiohttp.ClientWebSocketResponse:
        connection = await session.ws_connect(f"{served.address}/socket.io/?EIO=4&transport=websocket", max_msg_size=0)
        await connection.send_str("40" + json.dumps({"token": "any"}))
        await connection.send_str('42["subscribe",{}]')
        return connection

    return join


async def read(connection: aiohttp.ClientWebSocketResponse, numbers: list[int]) -> None:
    async for message in connection:
        if message.data == "2":
            await connection.send_str("3")
        elif found := _NUMBER.match(message.data):
            numbers.append(int(found[1]))


def all_have(received: list[list[int]], newest: int) -> bool:
    return all(numbers and numbers[-1] == newest for numbers in received)


def cut_off() -> float:
    return REGISTRY.get_sample_value("muster_live_cut_off_total", {"reason": "slow"}) or 0


async def test_of_two_hundred_clients_those_that_stall_are_cut_off_and_the_others_miss_nothing(join, served):
    connections: list[aiohttp.ClientWebSocketResponse] = []
    while len(connections) < CLIENTS:
        connections += await asyncio.gather(*(join() for _ in range(AT_ONCE)))
    await eventually(lambda: served.everyone.joined == CLIENTS)
    for one in connections[:STALLED]:
        one._response.connection.transport.pause_reading()
    received: list[list[int]] = [[] for _ in connections[STALLED:]]
    reading = [asyncio.create_task(read(*one)) for one in zip(connections[STALLED:], received, strict=True)]
    before, sent, most = cut_off(), 0, 0
    while cut_off() - before < STALLED:
        assert sent < MOST_FRAMES, "those that stall are cut off"
        sent += 1
        await served.sockets.emit("telemetry", {"number": sent, "text": FRAME}, to=ROOM)
        most = max(most, *served.waiting())
        await eventually(partial(all_have, received, sent), why="all others have the newest frame")
        await served.sockets.sweep()
    assert most <= UNREAD + 2, "what a sweep allows, a frame, and now and then a ping"
    assert cut_off() - before == STALLED
    assert received == [list(range(1, sent + 1))] * len(received)
    for connection in served.connections():
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == STALLED_SECONDS * 1_000
        end_stalled(connection, after_s=0.5)
    await eventually(lambda: len(served.connections()) == CLIENTS - STALLED, why="they are gone")
    await eventually(lambda: sum(served.waiting()) == 0, why="nothing is held for anybody")
    await end(reading)
