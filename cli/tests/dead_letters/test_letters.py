"""Dead letters on a real broker: nothing is lost by looking, nor by whoever dies while replaying."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiormq
import pytest
from typer.testing import CliRunner

from muster_cli.dead_letters.letters import DeadLetters
from muster_cli.errors import Refused, Unreachable
from muster_cli.main import app
from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.messaging.letters import REASON_HEADER, RETRIES_HEADER, ROUTING_KEY_HEADER
from shared.messaging.publisher import Message, Publisher
from shared.messaging.topology import (
    DEAD_EXCHANGE,
    EVENT_DELIVERY_LIMIT,
    MONITORING_FLEET_QUEUE,
    PRESENCE_QUEUE,
    TELEMETRY_QUEUE,
)
from shared.testing import eventually

DIES = """
import asyncio, os, signal, sys
from aiormq.channel import Channel
from muster_cli.dead_letters.letters import DeadLetters

url, queue, step = sys.argv[1:]
honest, steps = getattr(Channel, step), 0

async def dies(self, *arguments, **named):
    global steps
    answer = await honest(self, *arguments, **named)
    steps += 1
    if steps == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

setattr(Channel, step, dies)

async def replay():
    async with DeadLetters.open(url) as letters:
        await letters.replay(queue, None)

asyncio.run(replay())
"""


@dataclass
class Post:
    """The broker of one test, with the whole topology."""

    url: str
    publisher: Publisher
    channel: aiormq.abc.AbstractChannel

    async def bury(self, queue: str, count: int, *, key: str = "device.registered.v1") -> list[str]:
        """As a consumer does that has retried each twice. Answers their ids."""
        headers = {REASON_HEADER: "bad: it is", ROUTING_KEY_HEADER: key, RETRIES_HEADER: 2}
        ids = [f"letter-{number}" for number in range(count)]
        messages = [Message(DEAD_EXCHANGE, queue, b'{"n": 1}', each, headers, type="fact") for each in ids]
        assert await self.publisher.publish_all(messages) == [None] * count
        return ids

    async def arrived(self, queue: str) -> list[aiormq.abc.DeliveredMessage]:
        """Takes all that is there."""
        found: list[aiormq.abc.DeliveredMessage] = []
        while isinstance(
            (message := await self.channel.basic_get(queue, no_ack=True)).delivery, aiormq.spec.Basic.GetOk
        ):
            found.append(message)
        return found


@pytest.fixture
async def post(amqp_url: str) -> AsyncIterator[Post]:
    async with Broker.open(amqp_url, name="test") as broker:
        await topology.declare(broker, broker_events=None)
        await broker.publishing.opened()
        async with broker.consuming.channel() as channel:
            yield Post(amqp_url, Publisher(broker), channel)


async def test_letters_are_counted_seen_and_dropped_one_by_one(post: Post):
    await post.bury(MONITORING_FLEET_QUEUE, 3)
    async with DeadLetters.open(post.url) as letters:

        async def all_counted() -> bool:
            return {each: count for each, count in (await letters.counts()).items() if count} == {
                MONITORING_FLEET_QUEUE: 3
            }

        await eventually(all_counted)
        first, second = await letters.look(MONITORING_FLEET_QUEUE, limit=2)
        assert (first.id, first.reason, first.routing_key) == ("letter-0", "bad: it is", "device.registered.v1")
        assert (second.id, second.type, second.body) == ("letter-1", "fact", b'{"n": 1}')
        assert await letters.drop(MONITORING_FLEET_QUEUE, {"letter-1", "letter-9"}) == 1
        assert [one.id for one in await letters.look(MONITORING_FLEET_QUEUE, limit=9)] == ["letter-0", "letter-2"]
        assert await letters.drop(MONITORING_FLEET_QUEUE, None) == 2
        assert await letters.look(MONITORING_FLEET_QUEUE, limit=9) == []
        with pytest.raises(Refused, match="queue_not_found"):
            await letters.look("nobodys", limit=1)


async def test_replayed_letters_begin_anew(post: Post):
    await post.bury(MONITORING_FLEET_QUEUE, 2)
    async with DeadLetters.open(post.url) as letters:
        assert await letters.replay(MONITORING_FLEET_QUEUE, {"letter-1"}) == 1
        [message] = await post.arrived(MONITORING_FLEET_QUEUE)
        assert (message.header.properties.message_id, message.body) == ("letter-1", b'{"n": 1}')
        assert message.header.properties.headers[RETRIES_HEADER] == 0
        assert await letters.replay(MONITORING_FLEET_QUEUE, None) == 1


async def test_what_a_device_has_sent_is_still_its_own(post: Post):
    await post.bury(TELEMETRY_QUEUE, 1, key="devices.pump-1.telemetry")
    async with DeadLetters.open(post.url) as letters:
        assert await letters.replay(TELEMETRY_QUEUE, None) == 1
        [message] = await post.arrived(TELEMETRY_QUEUE)
        assert message.routing_key == "devices.pump-1.telemetry"
        await post.bury(TELEMETRY_QUEUE, 1, key="somebodys")
        for queue in (TELEMETRY_QUEUE, PRESENCE_QUEUE):
            with pytest.raises(Refused, match="not_replayable"):
                await letters.replay(queue, None)
        assert len(await letters.look(TELEMETRY_QUEUE, limit=9)) == 1


@pytest.mark.parametrize(("step", "left"), [("basic_publish", 3), ("basic_ack", 2)])
async def test_who_dies_while_replaying_loses_nothing(post: Post, step: str, left: int):
    ids = await post.bury(MONITORING_FLEET_QUEUE, 5)
    command = (sys.executable, "-c", DIES, post.url, MONITORING_FLEET_QUEUE, step)
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == -signal.SIGKILL
    async with DeadLetters.open(post.url) as letters:

        async def given_back() -> bool:
            return (await letters.counts())[MONITORING_FLEET_QUEUE] == left

        await eventually(given_back)
        await letters.replay(MONITORING_FLEET_QUEUE, None)
        arrived = [message.header.properties.message_id for message in await post.arrived(MONITORING_FLEET_QUEUE)]
        assert sorted(set(arrived)) == ids
        assert (await letters.counts())[MONITORING_FLEET_QUEUE] == 0


async def test_a_letter_is_not_lost_by_looking_at_it(post: Post):
    await post.bury(MONITORING_FLEET_QUEUE, 1)
    async with DeadLetters.open(post.url) as letters:
        for _ in range(EVENT_DELIVERY_LIMIT + 2):
            assert len(await letters.look(MONITORING_FLEET_QUEUE, limit=5)) == 1


async def test_the_words_of_the_command(post: Post, monkeypatch: pytest.MonkeyPatch, tmp_path):
    await post.bury(MONITORING_FLEET_QUEUE, 2)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("MUSTER_AMQP_URL", post.url)

    async def muster(*arguments: str):
        return await asyncio.to_thread(CliRunner().invoke, app, ["dead-letters", *arguments])

    async def all_listed() -> bool:
        return (await muster("list")).stdout == f"{MONITORING_FLEET_QUEUE}\t2\n"

    await eventually(all_listed)
    shown = await muster("show", MONITORING_FLEET_QUEUE, "--bodies", "--limit", "1")
    assert shown.stdout == 'letter-0\tfact\tdevice.registered.v1\tbad: it is\t{"n": 1}\n'
    assert (await muster("replay", MONITORING_FLEET_QUEUE, "--id", "letter-0")).stdout == "Replayed: 1\n"
    for unsure in (("replay", MONITORING_FLEET_QUEUE), ("drop", MONITORING_FLEET_QUEUE, "--all")):
        assert (await muster(*unsure)).exit_code == 2
    missing = await muster("drop", MONITORING_FLEET_QUEUE, "--id", "letter-0", "--yes")
    assert (missing.exit_code, "letter_not_found" in missing.stderr) == (1, True)
    dropped = await muster("drop", MONITORING_FLEET_QUEUE, "--all", "--yes", "--json")
    assert json.loads(dropped.stdout) == {"dropped": 1}


async def test_without_a_broker_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, muster: Callable[..., object]):
    monkeypatch.delenv("MUSTER_AMQP_URL", raising=False)
    result = await asyncio.to_thread(muster, "dead-letters", "list")
    assert (result.exit_code, "MUSTER_AMQP_URL" in result.stderr) == (2, True)
    with pytest.raises(Unreachable):
        async with DeadLetters.open("amqp://nobody:nothing@127.0.0.1:9/"):
            pass
