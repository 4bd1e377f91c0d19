"""Many devices in one process, on a broker that only confirms."""

import asyncio
import resource
from datetime import UTC, datetime

import pytest

from muster_cli.connection import Endpoint
from muster_cli.errors import BadUsage
from muster_cli.mqtt.packets import PacketReader
from muster_cli.simulator.enrolment import Enrolled
from muster_cli.simulator.fleet import Fleet, allow_open_files
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


@pytest.fixture
async def broker():
    server = await asyncio.get_running_loop().create_server(Confirming, "127.0.0.1", 0)
    yield Endpoint(*server.sockets[0].getsockname())
    server.close()


async def test_a_thousand_devices_come_publish_and_go_together(broker):
    allow_open_files(2 * DEVICES)
    tally = Tally(DEVICES)
    devices = [simulated_device("many", number, 0) for number in range(1, DEVICES + 1)]
    enrolled = dict.fromkeys((one.uid for one in devices), Enrolled("token", datetime(2026, 1, 1, tzinfo=UTC)))
    fleet = Fleet(devices, enrolled, broker=broker, connects_per_second=10_000, tally=tally)
    running = asyncio.create_task(fleet.run(None))
    await eventually(lambda: tally.connected == DEVICES and tally.confirmed >= DEVICES, timeout=60)
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
