"""What the broker asks: it remembers what a device may do, and what a gateway may until its next login."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from uuid import uuid4

import aiomqtt
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from shared.cancellation import end
from shared.testing import eventually


@dataclass
class Questions:
    """Answered with yes, and with these tags of the user."""

    tags: str = "device"
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> PlainTextResponse:
        question = request.path_params["question"]
        self.asked.append(question)
        return PlainTextResponse(f"allow {self.tags}" if question == "user" else "allow")

    def taken(self) -> list[str]:
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
async def questions(rabbitmq_server) -> AsyncIterator[Questions]:
    questions = Questions()
    app = Starlette(routes=[Route("/broker/{question}", questions.answer, methods=["POST"])])
    config = uvicorn.Config(app, host="127.0.0.1", port=rabbitmq_server.auth_port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    yield questions
    server.should_exit = True
    await asyncio.wait([serving], timeout=10)
    await end([serving])


@pytest.fixture
def device(rabbitmq_server) -> Callable[[str], aiomqtt.Client]:
    def device(uid: str) -> aiomqtt.Client:
        return aiomqtt.Client(
            rabbitmq_server.mqtt_host, rabbitmq_server.mqtt_port, identifier=uid, username=uid, password="token"
        )

    return device


async def _says_something(device: aiomqtt.Client, uid: str) -> None:
    async with device:
        await device.publish(f"devices/{uid}/telemetry", b"{}", qos=1)


async def test_of_a_device_that_returns_the_broker_asks_one_thing(questions: Questions, device):
    uid = f"pump-{uuid4().hex[:8]}"
    await _says_something(device(uid), uid)
    assert {"user", "vhost", "topic", "resource"} == set(questions.taken())
    await _says_something(device(uid), uid)
    assert questions.taken() == ["user"]


async def test_of_a_gateway_that_returns_with_another_tag_the_broker_asks_everything_again(
    questions: Questions, device
):
    gateway = f"gateway.{uuid4()}"
    questions.tags = "device since-1"
    await _says_something(device(gateway), "pump-1")
    first = set(questions.taken())
    questions.tags = "device since-2"
    await _says_something(device(gateway), "pump-1")
    assert set(questions.taken()) == first == {"user", "vhost", "topic", "resource"}
