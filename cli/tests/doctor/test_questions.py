"""Each question of `muster doctor`, with the thing really wrong: what is said, and what to do about it."""

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from grpc import aio

from muster_cli.connection import Connection, Endpoint
from muster_cli.doctor import questions
from muster_cli.doctor.findings import Finding, find_out
from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.messaging.publisher import Message, Publisher
from shared.messaging.topology import CONSUMED_QUEUES, DEAD_EXCHANGE, MONITORING_FLEET_QUEUE, TELEMETRY_QUEUE
from shared.testing import eventually

NOBODYS = Endpoint("127.0.0.1", 1)
READY = {"checks": {"postgres": "ok", "broker": "ok"}}


@dataclass
class Gateway:
    """Answers every request alike, and tells a time that may be off."""

    status: int = 200
    body: bytes = json.dumps(READY).encode()
    ahead: timedelta = field(default_factory=timedelta)
    tells_time: bool = True
    endpoint: Endpoint = NOBODYS

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                date = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
                told = f"Date: {date}\r\n" if self.tells_time else ""
                head = f"HTTP/1.1 {self.status} -\r\n{told}Content-Length: {len(self.body)}\r\n\r\n"
                writer.write(head.encode() + self.body)
        writer.close()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    there = Gateway()
    server = await asyncio.start_server(there, "127.0.0.1", 0)
    there.endpoint = Endpoint(*server.sockets[0].getsockname())
    yield there
    server.close()


@pytest.fixture
async def http(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    host, port = gateway.endpoint
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
        yield client


@pytest.fixture
def nowhere() -> Iterator[Endpoint]:
    """An address at which nothing listens and nothing can: it is held."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield Endpoint(*held.getsockname())


async def told(question: Awaitable[str]) -> Finding:
    [finding] = await find_out({"it": question})
    return finding


async def test_no_gateway(nowhere: Endpoint):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{nowhere.port}", trust_env=False) as http:
        asked = (questions.gateway, questions.version, questions.clock, questions.live)
        for found in [await told(ask(http)) for ask in asked] + [await told(questions.service(http, "monitoring"))]:
            assert (found.ok, found.detail) == (False, f"nothing answers at {http.base_url}: ConnectError")
            assert found.next_step == "start it with `make up`, or name another with --server"


async def test_a_service_that_lacks_something_names_it(gateway: Gateway, http: httpx.AsyncClient):
    assert (await told(questions.service(http, "monitoring"))).detail == "ready (postgres, broker)"
    gateway.status, gateway.body = 503, json.dumps({"checks": {"postgres": "away", "broker": "ok"}}).encode()
    found = await told(questions.service(http, "device-management"))
    assert (found.ok, found.detail) == (False, "postgres: away")
    assert "make logs SERVICE=device-management" in str(found.next_step)


async def test_a_service_that_is_down_behind_the_gateway(gateway: Gateway, http: httpx.AsyncClient):
    gateway.status, gateway.body = 503, b'{"status": 503, "code": "service_unavailable", "detail": "it is away"}'
    assert (await told(questions.service(http, "ota-service"))).detail == "answers 503"
    found = await told(questions.live(http))
    assert (found.ok, found.detail) == (False, "Socket.IO answers 503")
    assert "make logs SERVICE=monitoring" in str(found.next_step)


async def test_a_platform_of_another_version(gateway: Gateway, http: httpx.AsyncClient):
    assert (await told(questions.version(http))).ok is None
    gateway.body = b'{"info": {"version": "3"}}'
    found = await told(questions.version(http))
    assert (found.ok, found.detail) == (False, "the platform speaks 3, this command 2")


@pytest.mark.parametrize(("ahead_s", "side"), [(7_200, "behind"), (-180, "ahead of")])
async def test_a_clock_that_is_off(gateway: Gateway, http: httpx.AsyncClient, ahead_s: int, side: str):
    assert (await told(questions.clock(http))).ok
    gateway.ahead, began = timedelta(seconds=ahead_s), time.monotonic()
    found = await told(questions.clock(http))
    in_between = time.monotonic() - began
    by = int(re.sub(r"\D", "", found.detail))
    assert (found.ok, found.detail) == (False, f"this machine is {by} s {side} the platform")
    assert abs(by - abs(ahead_s)) <= in_between + 2  # the platform says the time to the second, and this is rounded
    assert "NTP" in str(found.next_step)


async def test_a_platform_that_tells_no_time_is_not_blamed(gateway: Gateway, http: httpx.AsyncClient):
    gateway.tells_time = False
    assert (await told(questions.clock(http))).ok is None


async def test_a_wrong_password(platform: Any, connection: Connection):
    assert (await told(questions.sign_in(replace(connection, server=platform.server)))).ok
    found = await told(questions.sign_in(replace(connection, server=platform.server, password="guessed")))
    assert found.ok is False
    assert "wrong e-mail address or password (bad_credentials); check --email" in found.detail


async def test_ports_at_which_nothing_listens(gateway: Gateway, nowhere: Endpoint, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(questions, "GRPC_TIMEOUT_S", 0.2)
    assert (await told(questions.port(gateway.endpoint))).ok
    found = await told(questions.port(nowhere))
    assert found.ok is False
    assert found.detail.startswith(f"127.0.0.1:{nowhere.port}: Connect")
    found = await told(questions.grpc(nowhere))
    assert (found.ok, found.detail) == (False, f"nothing answers at 127.0.0.1:{nowhere.port}")


async def test_grpc_that_listens():
    server = aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    assert (await told(questions.grpc(Endpoint("127.0.0.1", port)))).ok
    await server.stop(None)


async def test_a_broker_that_may_not_be_asked_is_no_fault(connection: Connection):
    assert (await told(questions.broker(connection))).ok is None


async def test_a_broker_that_is_away(connection: Connection, nowhere: Endpoint):
    found = await told(questions.broker(replace(connection, amqp=f"amqp://a:b@127.0.0.1:{nowhere.port}/")))
    assert found.ok is False
    assert found.detail.endswith("check MUSTER_AMQP_URL, or `make status`")


async def test_a_broker_on_which_nothing_was_declared(connection: Connection, amqp_url: str):
    found = await told(questions.broker(replace(connection, amqp=amqp_url)))
    assert found.ok is False
    assert "lacks something that was to be declared" in found.detail


async def test_a_queue_that_nobody_reads_and_dead_letters(connection: Connection, amqp_url: str):
    async def asked() -> Finding:
        return await told(questions.broker(replace(connection, amqp=amqp_url)))

    async with Broker.open(amqp_url, name="test") as broker, AsyncExitStack() as readers:
        await topology.declare(broker, broker_events=None)
        await broker.publishing.opened()
        reading = await readers.enter_async_context(broker.consuming.channel())
        others = [queue.name for queue in CONSUMED_QUEUES if queue.name != TELEMETRY_QUEUE]
        for name in others:
            await reading.basic_consume(name, lambda _: asyncio.sleep(0))
        found = await asked()
        assert (found.ok, found.detail) == (False, f"nobody reads {TELEMETRY_QUEUE}")
        assert found.next_step == "start the worker of monitoring: `make up`"
        await reading.basic_consume(TELEMETRY_QUEUE, lambda _: asyncio.sleep(0))
        assert (await asked()).detail == "answers, every queue is read, no dead letters"
        letter = Message(DEAD_EXCHANGE, MONITORING_FLEET_QUEUE, b"{}", "letter-1", {}, type="fact")
        assert await Publisher(broker).publish_all([letter]) == [None]

        async def counted() -> bool:
            return (await asked()).detail == "1 dead letters"

        await eventually(counted)


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    """A person's, who looks after no broker."""
    return Connection(
        "http://127.0.0.1:1", "admin@muster.example", "correct horse", NOBODYS, tmp_path, NOBODYS, transport="rest"
    )


@pytest.mark.usefixtures("platform")
def test_the_command_tells_all_and_fails_when_one_does(muster: Callable[..., Result]):
    asked = muster("doctor", "--json")
    found = {one["name"]: one for one in json.loads(asked.stdout)}
    assert asked.exit_code == 1
    assert found["sign-in"]["ok"]
    assert found["broker"]["ok"] is None
    assert found["monitoring"]["ok"] is False
    lines = muster("doctor").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == list(found)
    assert next(line for line in lines if line.startswith("broker")).split("\t")[1] == "not asked"


async def test_a_question_that_fails_in_its_own_way_leaves_the_others_their_answers():
    async def odd() -> str:
        raise ValueError("secret words")

    async def good() -> str:
        return "answers"

    first, second = await find_out({"odd": odd(), "good": good()})
    assert (first.ok, first.detail) == (False, "what answers is not as expected: ValueError")
    assert (second.ok, second.detail) == (True, "answers")
