"""Processes that are killed or frozen at the worst moment."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from aiormq.abc import AbstractChannel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.cancellation import end
from shared.contracts.presence import DeviceConnected
from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.messaging.publisher import Publisher
from shared.outbox.command_relay import CommandRelay
from shared.outbox.relay import Relay
from shared.testing import eventually

from .devices import Devices, connect, take
from .harness import Recorded

PROGRAM = Path(__file__).with_name("relay_process.py")


@asynccontextmanager
async def process(*arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROGRAM), *arguments), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def hear(running: asyncio.subprocess.Process, wanted: str) -> None:
    """Reads until the process says `wanted`."""
    assert running.stdout is not None
    async with asyncio.timeout(60):
        while (line := await running.stdout.readline()) != f"{wanted}\n".encode():
            assert line, f"the process ended before it said {wanted!r}"


async def confirm(running: asyncio.subprocess.Process) -> None:
    """What the process has published is confirmed, and it takes note of that."""
    assert running.stdin is not None
    running.stdin.write(b"\n")
    await hear(running, "published")


@asynccontextmanager
async def relaying(relay: Relay) -> AsyncGenerator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        await end([task])


async def test_a_process_killed_between_commit_and_publish_still_publishes(
    engine: AsyncEngine, engine_url: str, amqp_url: str
):
    async with process("commit", engine_url) as running:
        await hear(running, "committed")
        running.send_signal(signal.SIGKILL)
        assert await running.wait() == -signal.SIGKILL
    async with Broker.open(amqp_url, name="test") as broker:
        await topology.declare(broker, broker_events=None)
        async with relaying(Relay(engine_url, Publisher(broker))), broker.consuming.channel() as channel:

            async def arrived() -> bool:
                message = await channel.basic_get(topology.DEVICE_PRESENCE_QUEUE, no_ack=True)
                return message.routing_key == DeviceConnected.type

            await eventually(arrived)


async def test_a_relay_killed_in_its_round_is_replaced_at_once(engine: AsyncEngine, engine_url: str, tell):
    await tell("a")
    successor = Recorded()
    async with process("relay", engine_url, "15") as running:
        await hear(running, "publishing 1")
        running.send_signal(signal.SIGKILL)
        async with relaying(Relay(engine_url, successor)):
            await eventually(lambda: successor.subjects == ["a"])


async def test_a_frozen_relay_is_replaced_and_its_late_commit_fails(engine: AsyncEngine, engine_url: str, tell):
    await tell("a")
    successor = Recorded()
    async with process("relay", engine_url, "5") as running:
        await hear(running, "publishing 1")
        os.kill(running.pid, signal.SIGSTOP)
        assert await _sessions(engine) == 1
        async with relaying(Relay(engine_url, successor)):
            await eventually(lambda: successor.subjects == ["a"])
            assert await _sessions(engine) == 1, "the successor's: it is let in when the frozen one has lost its own"
            await eventually(lambda: _sent_at(engine))
        sent_at = await _sent_at(engine)
        os.kill(running.pid, signal.SIGCONT)
        await confirm(running)
        await tell("b")
        await hear(running, "publishing 1")
        assert await _sent_at(engine) == sent_at


async def test_a_command_published_by_a_relay_that_dies_before_it_marks_comes_again_with_its_id(
    engine_url: str, amqp_url: str, broker: Broker, channel: AbstractChannel, ask, waiting
):
    await connect(channel, "pump-7")
    [command_id] = await ask(("pump-7", "reboot"))
    async with process("deaf-command-relay", engine_url, amqp_url) as running:
        await hear(running, "published")
        running.send_signal(signal.SIGKILL)
        async with relaying(CommandRelay(engine_url, Publisher(broker))):
            ids = [(await take(channel, "pump-7")).header.properties.message_id for _ in range(2)]
            assert ids == [str(command_id)] * 2

            async def marked() -> bool:
                return await waiting() == 0

            await eventually(marked)


async def test_a_frozen_relay_of_commands_is_replaced_and_its_late_commit_fails(
    engine: AsyncEngine, engine_url: str, ask, waiting
):
    await ask(("pump-7", "reboot"))
    successor = Devices()
    async with process("command-relay", engine_url, "5") as running:
        await hear(running, "publishing 1")
        os.kill(running.pid, signal.SIGSTOP)
        async with relaying(CommandRelay(engine_url, successor)):

            async def parked() -> bool:
                return await waiting("attempts > 0") == 1

            await eventually(parked, why="the successor's round, in which the device was away")
        os.kill(running.pid, signal.SIGCONT)
        await confirm(running)
        await hear(running, "publishing 1")
        assert await waiting() == 1, "not forgotten by the late commit"


async def _sessions(engine: AsyncEngine) -> int:
    """How many relays are connected to the database."""
    query = (
        "select count(*) from pg_stat_activity where application_name = 'muster-relay' and datname = current_database()"
    )
    async with engine.connect() as connection:
        return await connection.scalar(text(query)) or 0


async def _sent_at(engine: AsyncEngine) -> object:
    async with engine.connect() as connection:
        return await connection.scalar(text("select sent_at from outbox where subject = 'device/a'"))
