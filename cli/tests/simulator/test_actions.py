"""A simulated device does what it is asked to do, on a real broker, and answers."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiormq
import httpx
import pytest

from muster_cli.connection import Endpoint
from muster_cli.simulator.actions import ActingFleet
from muster_cli.simulator.conditions import Conditions, Updating
from muster_cli.simulator.course import Timeline
from muster_cli.simulator.enrolment import Enrolled
from muster_cli.simulator.flash import Flash
from muster_cli.simulator.fleet import Fleet
from muster_cli.simulator.population import simulated_device
from muster_cli.simulator.quantities import Span
from muster_cli.simulator.tally import Tally
from shared.testing import eventually

from .conftest import PASSWORD

REGISTERED_AT = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = Timeline.steady(Conditions(every=0.05, updates=Updating(boots=Span(0.1, 0.1))))


class OneDevice:
    """A fleet of one, with its configuration in a file that the next life finds."""

    def __init__(self, rabbitmq_server, channel, topic, path: Path, uid: str) -> None:
        self.uid = uid
        self.tally = Tally(1)
        self._channel = channel
        self._topic = topic
        self._flash = Flash(path)
        self._fleet = Fleet(
            [simulated_device(uid.removesuffix("-0001"), 1, 0, QUICK)],
            {uid: Enrolled(PASSWORD, REGISTERED_AT)},
            broker=Endpoint(rabbitmq_server.mqtt_host, rabbitmq_server.mqtt_port),
            connects_per_second=200,
            tally=self.tally,
            acting=ActingFleet(self._flash, self.tally, step_s=0.02),
        )

    async def __aenter__(self) -> "OneDevice":
        self._running = asyncio.create_task(self._fleet.run(None))
        await eventually(lambda: self.tally.confirmed > 0)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._fleet.stop()
        await asyncio.wait_for(self._running, 60)
        self._flash.close()

    async def ask(self, number: int, kind: str, params: dict | None = None, *, left_s: float = 60) -> None:
        """Sends a command as the platform does."""
        deadline = (datetime.now(UTC) + timedelta(seconds=left_s)).isoformat()
        body = {"id": f"c{number}", "type": kind, "params": params or {}, "deadline": deadline}
        await self._channel.basic_publish(
            json.dumps(body).encode(),
            exchange="amq.topic",
            routing_key=f"devices.{self.uid}.commands",
            properties=aiormq.spec.Basic.Properties(delivery_mode=2),
            mandatory=True,
        )

    @property
    def answers(self) -> list[tuple[str, str]]:
        return [(reply["id"], reply["state"]) for reply in self._topic.on(self.uid, "replies")]

    @property
    def reported(self) -> list[dict]:
        return [report["configuration"] for report in self._topic.on(self.uid, "state")]

    async def answered(self, number: int, state: str = "completed", *, times: int = 1) -> None:
        await eventually(lambda: self.answers.count((f"c{number}", state)) == times)


@pytest.fixture
async def life(rabbitmq_server, internal_users, topic, prefix, tmp_path):
    """Makes the device, as often as a test starts its process."""
    uid = f"{prefix}-0001"
    internal_users(uid)
    connection = await aiormq.connect(rabbitmq_server.url)
    channel = await connection.channel(on_return_raises=True)
    yield lambda: OneDevice(rabbitmq_server, channel, topic, tmp_path / "fleet.flash", uid)
    await connection.close()


async def test_a_configuration_is_merged_reported_whole_and_outlives_the_process(life):
    async with life() as device:
        await device.ask(1, "configuration_change", {"configuration": {"interval_s": 5, "led": True}})
        await device.ask(2, "configuration_change", {"configuration": {"interval_s": 9, "led": None}})
        await device.answered(2)
        assert device.answers == [("c1", "running"), ("c1", "completed"), ("c2", "running"), ("c2", "completed")]
        assert device.reported == [{}, {"interval_s": 5, "led": True}, {"interval_s": 9}]
    async with life() as device:
        await eventually(lambda: len(device.reported) == 4)
    assert device.reported[-1] == {"interval_s": 9}


async def test_a_configuration_that_is_none_is_refused_and_the_next_one_is_taken(life):
    async with life() as device:
        await device.ask(1, "configuration_change", {"configuration": "fast"})
        await device.ask(2, "configuration_change", {"configuration": {"led": True}})
        await device.answered(2)
        await device.answered(1, "failed")
    assert device.tally.actions == {"failed": 1, "completed": 1}


async def test_a_reboot_is_answered_when_the_device_is_back(life, topic):
    async with life() as device:
        await device.ask(1, "system_reboot")
        await device.answered(1)
        assert device.answers == [("c1", "running"), ("c1", "completed")]
        assert device.reported == [{}, {}]
        assert (device.tally.reconnects, device.tally.troubles.total()) == (1, 0)
        told = [status["online"] for status in topic.on(device.uid, "status")]
        assert told == [True, False, True]
        await eventually(lambda: len({sample["boot"] for sample in topic.on(device.uid, "telemetry")}) == 2)


async def test_any_other_action_tells_its_progress(life, topic):
    async with life() as device:
        await device.ask(1, "calibrate")
        await device.answered(1)
        progress = [reply.get("progress") for reply in topic.on(device.uid, "replies")]
    assert progress == [0, 25, 50, 75, None]


async def test_a_repeated_command_is_answered_again_and_done_once(life):
    async with life() as device:
        await device.ask(1, "system_reboot")
        await device.answered(1)
        for times in (2, 3):
            await device.ask(1, "system_reboot")
            await device.answered(1, times=times)
        for _ in range(3):
            await device.ask(2, "calibrate")
        await device.answered(2, times=3)
        assert [device.answers.count((each, "running")) for each in ("c1", "c2")] == [1, 4]
        assert device.tally.reconnects == 1
    assert device.tally.actions == {"completed": 2}


async def test_past_its_deadline_nothing_is_done_or_said(life):
    async with life() as device:
        await device.ask(1, "configuration_change", {"configuration": {"led": True}}, left_s=-1)
        await device.ask(2, "calibrate")
        await device.answered(2)
        assert {number for number, _ in device.answers} == {"c2"}
        assert device.reported == [{}]


async def test_a_cancelled_action_is_stopped(life):
    async with life() as device:
        for number in range(1, 4):
            await device.ask(number, "calibrate")
        await device.ask(4, "cancel", {"id": "c3"})
        await device.ask(5, "cancel", {"id": "c9"})
        await device.answered(3, "failed")
        await device.answered(2)
    assert device.tally.actions == {"completed": 2, "failed": 1}


async def test_a_lost_connection_delays_an_answer_and_repeats_nothing_that_is_done(life, rabbitmq_server):
    async with life() as device:
        for number in range(1, 11):
            await device.ask(number, "calibrate")
        await device.answered(1)
        async with httpx.AsyncClient(base_url=rabbitmq_server.management_url, timeout=60) as management:

            async def lost() -> bool:
                return (await management.delete(f"/api/connections/username/{device.uid}")).is_success and bool(
                    device.tally.troubles
                )

            await eventually(lost)
        await device.answered(10)
        await eventually(lambda: len(dict(device.answers)) == 10)
    assert device.tally.actions == {"completed": 10}
