"""A simulated device takes an update on a real broker: told by a command, gone for its reboot, back with it."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import aiormq
import pytest

from muster_cli.connection import Endpoint
from muster_cli.simulator.conditions import Conditions, Network, Updating
from muster_cli.simulator.course import Timeline
from muster_cli.simulator.enrolment import Enrolled
from muster_cli.simulator.flash import Flash
from muster_cli.simulator.fleet import Fleet
from muster_cli.simulator.population import simulated_device
from muster_cli.simulator.quantities import Span
from muster_cli.simulator.tally import Tally
from muster_cli.simulator.updates import UpdatingFleet
from muster_cli.updater.client import Patience
from muster_cli.updater.memory import Image, Memory
from muster_cli.updater.offers import signing_keys
from muster_cli.updater.turns import Turns
from shared.testing import eventually

from ..ota import TOKEN

REGISTERED_AT = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = Updating(writes=Span(0.05, 0.05), boots=Span(0.2, 0.2))
QUICK = Conditions(every=0.05, updates=AT_ONCE)


class OneDevice:
    """A fleet of one, with its memory in a file that the next life finds."""

    def __init__(self, ota, rabbitmq_server, http, turns, path: Path, uid: str, conditions=QUICK) -> None:
        self.ota = ota
        self.uid = uid
        self.tally = Tally(1)
        self.flash = Flash(path)
        device = simulated_device(uid.removesuffix("-0001"), 1, 0, Timeline.steady(conditions))
        updating = UpdatingFleet(
            http,
            turns,
            signing_keys(ota.public_keys()),
            self.flash,
            self.tally,
            patience=Patience(0.02, 0.1, 60.0),
        )
        self._fleet = Fleet(
            [device],
            {uid: Enrolled(TOKEN, REGISTERED_AT)},
            broker=Endpoint(rabbitmq_server.mqtt_host, rabbitmq_server.mqtt_port),
            connects_per_second=200,
            tally=self.tally,
            updating=updating,
        )

    async def __aenter__(self) -> "OneDevice":
        self._running = asyncio.create_task(self._fleet.run(None))
        await eventually(lambda: self.tally.confirmed > 2)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._fleet.stop()
        await asyncio.wait_for(self._running, 60)
        self.flash.close()

    def memory(self) -> Memory:
        return self.flash.read(self.uid, REGISTERED_AT)


@pytest.fixture
async def life(ota, rabbitmq_server, internal_users, prefix, tmp_path):
    """Makes the device, as often as a test starts its process."""
    ota.uid, ota.hardware = f"{prefix}-0001", "cr-2.1"
    internal_users(ota.uid, password=TOKEN)
    async with Turns.open(ota.server) as (http, turns):
        path = tmp_path / "fleet.flash"
        yield lambda conditions=QUICK: OneDevice(ota, rabbitmq_server, http, turns, path, ota.uid, conditions)


@pytest.fixture
async def command(rabbitmq_server, ota):
    """Sends a command to the device as the platform does; answers whether it was there to take it."""
    connection = await aiormq.connect(rabbitmq_server.url)
    channel = await connection.channel(on_return_raises=True)

    async def send(body: bytes) -> bool:
        key = f"devices.{ota.uid}.commands"
        try:
            await channel.basic_publish(body, exchange="amq.topic", routing_key=key, mandatory=True)
        except aiormq.exceptions.PublishError:
            return False
        return True

    yield send
    await connection.close()


def announcement(session_id: str, number: int = 1) -> bytes:
    params = {"session_id": session_id, "firmware_name": "pump-os", "firmware_version": "1.1.0"}
    return json.dumps({"id": f"c{number}", "type": "update_available", "params": params}).encode()


async def test_an_announced_update_is_taken_and_the_device_comes_back_with_it(life, ota, command, topic):
    async with life() as device:
        assert await command(announcement(ota.open()))
        await eventually(lambda: ota.state == "completed")
        assert device.tally.reconnects == 1
        assert device.memory().running == Image(session="session-1", name="pump-os", version="1.1.0", release_counter=1)
        before = device.tally.confirmed
        await eventually(lambda: device.tally.confirmed > before + 2)
    await eventually(lambda: len(topic.on(ota.uid, "status")) == 4)
    told = [(status["online"], status.get("firmware_version")) for status in topic.on(ota.uid, "status")]
    assert told == [(True, None), (False, None), (True, "1.1.0"), (False, "1.1.0")]
    samples = topic.on(ota.uid, "telemetry")
    boots = list(dict.fromkeys(sample["boot"] for sample in samples))
    assert len(boots) == 2
    for boot in boots:
        numbers = [sample["seq"] for sample in samples if sample["boot"] == boot]
        assert numbers == list(range(1, len(numbers) + 1))
    assert device.tally.sent == device.tally.confirmed == len(samples)
    assert not device.tally.troubles


async def test_an_update_whose_announcement_was_lost_is_found_by_looking(life, ota):
    ota.open()
    async with life():
        await eventually(lambda: ota.state == "completed")


async def test_repeated_and_unreadable_commands_are_one_look_or_none(life, ota, command):
    async with life() as device:
        await eventually(lambda: ota.calls == ["GET next"])
        for body in (b"", b"{", b"[]", b"\xff", b'{"id": 1}', b'{"id": "x", "type": "dance"}'):
            assert await command(body)
        session_id = ota.open()
        for _ in range(5):
            assert await command(announcement(session_id))
        await eventually(lambda: device.tally.updates["completed"] == 1)
        assert await command(announcement(session_id))
        before = device.tally.confirmed
        await eventually(lambda: device.tally.confirmed > before + 2)
        assert ota.calls.count("POST ack") == 1
        assert ota.calls.count("GET file") == 1
        assert device.tally.reconnects == 1


async def test_a_cancellation_stops_the_download(life, ota, command):
    ota.chunk_pause_s = 0.1
    async with life() as device:
        session_id = ota.open()
        await command(announcement(session_id))
        await eventually(lambda: ota.ranges)
        assert ota.session is not None
        ota.session["state"] = "cancelled"
        await command(
            json.dumps({"id": "c2", "type": "update_cancelled", "params": {"session_id": session_id}}).encode()
        )
        await eventually(lambda: device.tally.updates["stopped"] == 1)
        assert device.tally.reconnects == 0


async def test_a_device_that_was_switched_off_in_the_middle_goes_on_in_its_next_life(life, ota):
    ota.chunk_pause_s = 0.1
    ota.open()
    async with life() as device:
        await eventually(lambda: ota.ranges)
    assert device.tally.updates.total() == 0
    ota.chunk_pause_s = 0.0
    async with life() as device:
        await eventually(lambda: ota.state == "completed")
        assert device.memory().running is not None


async def test_a_refused_update_is_counted_by_its_reason_and_the_device_goes_on(life, ota):
    ota.open(hardware_versions=["px-300"])
    async with life() as device:
        await eventually(lambda: device.tally.update_failures == {"wrong_hardware": 1})
        before = device.tally.confirmed
        await eventually(lambda: device.tally.confirmed > before + 2)


async def test_a_platform_without_updates_stops_no_telemetry(life, ota):
    ota.unavailable = [404] * 1000
    async with life() as device:
        await eventually(lambda: device.tally.confirmed > 5)
    assert not device.tally.troubles


def test_another_registration_of_the_same_uid_remembers_nothing(tmp_path):
    flash = Flash(tmp_path / "fleet.flash")
    flash.write("pump-1", REGISTERED_AT, Memory(counter=7))
    assert flash.read("pump-1", REGISTERED_AT).counter == 7
    assert flash.read("pump-1", REGISTERED_AT.replace(year=2027)) == Memory()
    assert flash.keys() == []
    flash.close()


async def test_a_download_goes_on_where_a_flaky_network_has_cut_it(life, ota, command):
    ota.image *= 4
    flaky = Network(drops_every=Span(1.0, 1.0), away=Span(0.02, 0.1))
    thin = AT_ONCE.model_copy(update={"link": Span(len(ota.image) / 2, len(ota.image) / 2)})
    async with life(Conditions(every=0.05, network=flaky, updates=thin)) as device:
        await eventually(lambda: command(announcement(ota.open())))
        await eventually(lambda: ota.state == "completed")
        assert device.tally.cuts > 0
    assert any(ota.ranges)


async def test_a_flash_that_fails_ends_the_update_and_the_device_stays_as_it_is(life, ota, command):
    worn = AT_ONCE.model_copy(update={"flash_fails": 1.0})
    async with life(Conditions(every=0.05, updates=worn)) as device:
        assert await command(announcement(ota.open()))
        await eventually(lambda: ota.state == "failed")
        assert ota.error() == "flash_failed: the image could not be written"
        assert device.memory().running is None
        await eventually(lambda: device.tally.update_failures == {"flash_failed": 1})
