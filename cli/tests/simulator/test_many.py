"""Many devices in one process, on a broker that only confirms."""

import asyncio
import resource
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from muster_cli.connection import Endpoint
from muster_cli.errors import BadUsage
from muster_cli.mqtt.packets import PacketReader
from muster_cli.simulator.enrolment import Enrolled
from muster_cli.simulator.fleet import Fleet, allow_open_files
from muster_cli.simulator.pace import SIGN_INS_AT_ONCE
from muster_cli.simulator.population import simulated_device
from muster_cli.simulator.tally import Tally
from shared.testing import eventually

DEVICES = 1_000
_CONNECT, _PUBLISH, _DISCONNECT = 1, 3, 14


class Confirming(asyncio.Protocol):
    """Lets everybody in and confirms whatever is published."""

    def __init__(self) -> None:
        self._reader = PacketReader()

    def connection_made(self, transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for kind, _flags, body in self._reader.feed(data):
            if kind == _CONNECT:
                self._transport.write(b"\x20\x02\x00\x00")
            elif kind == _PUBLISH:
                end = 2 + int.from_bytes(body[:2])
                self._transport.write(b"\x40\x02" + body[end : end + 2])
            elif kind == _DISCONNECT:
                self._transport.close()


class Slow(Confirming):
    """Confirms no first message until as many devices as may sign in at once have sent one; `most` had at a time."""

    waiting: ClassVar[list["Slow"]] = []
    most = 0
    _is_in = False

    def data_received(self, data: bytes) -> None:
        if self._is_in or data[0] >> 4 == _CONNECT:
            super().data_received(data)
            return
        self._first, self._is_in = data, True
        Slow.waiting.append(self)
        Slow.most = max(Slow.most, len(Slow.waiting))
        if len(Slow.waiting) >= SIGN_INS_AT_ONCE:
            asyncio.get_running_loop().call_later(0.05, self.let_in)

    @staticmethod
    def let_in() -> None:
        while Slow.waiting:
            there = Slow.waiting.pop()
            there.data_received(there._first)


@asynccontextmanager
async def serving(protocol):
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    yield Endpoint(*server.sockets[0].getsockname())
    server.close()


@pytest.fixture
async def broker():
    async with serving(Confirming) as endpoint:
        yield endpoint


def fleet_of(count: int, broker: Endpoint, tally: Tally) -> Fleet:
    devices = [simulated_device("many", number, 0) for number in range(1, count + 1)]
    enrolled = dict.fromkeys((one.uid for one in devices), Enrolled("token", datetime(2026, 1, 1, tzinfo=UTC)))
    return Fleet(devices, enrolled, broker=broker, connects_per_second=10_000, tally=tally)


async def test_a_broker_that_is_slow_is_not_sent_more_devices_at_once():
    tally = Tally(3 * SIGN_INS_AT_ONCE)
    async with serving(Slow) as endpoint:
        fleet = fleet_of(tally.devices, endpoint, tally)
        running = asyncio.create_task(fleet.run(None))
        await eventually(lambda: tally.confirmed >= tally.devices)
        fleet.stop()
        await asyncio.wait_for(running, 60)
    assert Slow.most == SIGN_INS_AT_ONCE


async def test_a_thousand_devices_come_publish_and_go_together(broker):
    allow_open_files(2 * DEVICES)
    tally = Tally(DEVICES)
    fleet = fleet_of(DEVICES, broker, tally)
    running = asyncio.create_task(fleet.run(None))
    await eventually(lambda: tally.connected == DEVICES and tally.confirmed >= DEVICES)
    fleet.stop()
    await asyncio.wait_for(running, 60)
    assert (tally.connected, tally.ever_connected, tally.reconnects) == (0, DEVICES, 0)
    assert tally.sent == tally.confirmed
    assert not tally.troubles


def test_a_fleet_that_the_system_has_no_files_for_is_told_so_before_anything_begins(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1_024, 4_096))
    with pytest.raises(BadUsage, match=r"10000 devices need 10100 open files and this system allows 4096; raise it"):
        allow_open_files(10_000)


def test_a_limit_that_may_be_raised_is_raised(monkeypatch):
    raised = []
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (1_024, 20_000))
    monkeypatch.setattr(resource, "setrlimit", lambda _what, limits: raised.append(limits))
    allow_open_files(10_000)
    assert raised == [(10_100, 20_000)]
