"""A receiver on a real port, and a worker that sends."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from ipaddress import ip_network

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from device_management.bootstrap import open_core
from device_management.settings import Settings
from device_management.webhooks.consumers import WebhookConsumer
from device_management.webhooks.gateway import Receivers
from device_management.webhooks.service import WebhookSender
from shared.cancellation import end
from shared.clock import SystemClock
from shared.contracts.envelope import Envelope
from shared.egress import Egress
from shared.http.server import KEEP_ALIVE_SECONDS
from shared.precedence import Precedence
from shared.testing import eventually

LOOPBACK = Egress([ip_network("127.0.0.0/8")])


@pytest.fixture
def settings(settings) -> Settings:
    """Receivers on this machine are allowed."""
    return Settings(**settings.model_dump() | {"allowed_networks": ["127.0.0.0/8"]})


@pytest.fixture
async def admin(anyone, credentials, organizations) -> httpx.AsyncClient:
    token = credentials.person("organization:admin", "devices:write", organization_id=organizations.own)
    anyone.headers["Authorization"] = f"Bearer {token}"
    return anyone


@pytest.fixture
async def stranger(stranger, credentials, organizations) -> httpx.AsyncClient:
    token = credentials.person("organization:admin", organization_id=organizations.other)
    stranger.headers["Authorization"] = f"Bearer {token}"
    return stranger


@dataclass
class Receiver:
    """What arrived: headers and body; `answers` are the statuses of the next requests, then 204."""

    url: str = ""
    arrived: list[tuple[dict[str, str], str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: Request) -> Response:
        body = (await request.body()).decode()
        self.arrived.append((dict(request.headers), body))
        await self.gate.wait()
        status = self.answers.pop(0) if self.answers else 204
        return Response(f"answer {status}" if status != 204 else None, status_code=status, headers={"Location": "/x"})

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.arrived]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    receiver.gate.set()
    app = Starlette(routes=[Route("/{path:path}", receiver.take, methods=["GET", "POST"])])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, timeout_keep_alive=KEEP_ALIVE_SECONDS)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    receiver.url = f"http://127.0.0.1:{port}/hook"
    yield receiver
    receiver.gate.set()
    server.should_exit = True
    await serving


@pytest.fixture
async def core(app, settings):
    async with open_core(settings) as core:
        yield core


@pytest.fixture
async def worker(core) -> AsyncIterator[Callable[..., asyncio.Task[None]]]:
    """Starts a sender; cancel the task to end it in good order."""
    tasks: list[asyncio.Task[None]] = []
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:

        def start(*, egress: Egress = LOOPBACK) -> asyncio.Task[None]:
            sender = WebhookSender(core.scopes, Receivers(client, egress), core.sealer, clock=SystemClock())
            tasks.append(asyncio.create_task(sender.run()))
            return tasks[-1]

        yield start
        await end(tasks)


@pytest.fixture
def hear(core, sql) -> Callable[[], object]:
    """Hands what is in the outbox to the consumer, as the broker would."""
    consumer = WebhookConsumer(core.scopes, Precedence())

    async def all_of_it() -> None:
        rows = await sql.fetch("select payload from outbox order by id")
        await consumer([Envelope.decode(row["payload"].encode()) for row in rows])

    return all_of_it
