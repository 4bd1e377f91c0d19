"""From a commit in one service to an effect in another: once, whatever is delivered twice."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from shared.cancellation import end
from shared.contracts.envelope import Envelope
from shared.contracts.routes import EVENTS_EXCHANGE
from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.messaging.consumer import EventConsumer
from shared.messaging.publisher import Message, Publisher
from shared.outbox.inbox import first_time
from shared.outbox.relay import Relay
from shared.testing import eventually


class Counting:
    """A reader whose effect would show if it happened twice: it counts the events of each device."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.committed = 0
        self.acknowledge = asyncio.Event()
        self.acknowledge.set()

    async def prepare(self) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(text("create table effects (subject text primary key, times int)"))

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        async with AsyncSession(self._engine) as session:
            for envelope in await first_time(session, "test", envelopes):
                await session.execute(
                    text(
                        "insert into effects values (:subject, 1)"
                        " on conflict (subject) do update set times = effects.times + 1"
                    ),
                    {"subject": envelope.subject},
                )
            await session.commit()
        self.committed += 1
        await self.acknowledge.wait()

    async def effects(self) -> dict[str, int]:
        async with self._engine.connect() as connection:
            return {row.subject: row.times for row in await connection.execute(text("select * from effects"))}


@pytest.fixture
async def counting(engine: AsyncEngine) -> Counting:
    counting = Counting(engine)
    await counting.prepare()
    return counting


@pytest.fixture
async def running():
    tasks: list[asyncio.Task[None]] = []
    yield lambda part: tasks.append(asyncio.create_task(part.run()))
    await end(tasks)


def reader(broker: Broker, counting: Counting) -> EventConsumer:
    return EventConsumer(
        broker, topology.OTA_FLEET_QUEUE, counting, linger=timedelta(milliseconds=20), drain=timedelta(seconds=1)
    )


async def test_a_committed_event_has_its_effect_in_another_service(
    engine_url: str, broker: Broker, counting: Counting, running, tell
):
    running(Relay(engine_url, Publisher(broker)))
    running(reader(broker, counting))
    await tell("a", "b")
    await eventually(lambda: _equals(counting.effects(), {"device/a": 1, "device/b": 1}))


async def test_an_event_published_twice_has_one_effect(
    engine: AsyncEngine, engine_url: str, broker: Broker, counting: Counting, running, tell
):
    running(reader(broker, counting))
    running(Relay(engine_url, Publisher(broker)))
    await tell("a")
    await eventually(lambda: counting.committed == 1)

    async def marked() -> bool:
        async with engine.connect() as connection:
            return await connection.scalar(text("select count(sent_at) from outbox")) == 1

    await eventually(marked)
    async with engine.begin() as connection:
        await connection.execute(text("update outbox set sent_at = null"))
    await tell("b")
    await eventually(lambda: _equals(counting.effects(), {"device/a": 1, "device/b": 1}))
    await eventually(lambda: counting.committed >= 2)


async def test_an_event_delivered_again_after_its_commit_has_one_effect(
    broker: Broker, amqp_url: str, counting: Counting, running
):
    envelope = Envelope.model_validate(
        {
            "id": uuid4(),
            "source": "test",
            "type": "device.registered.v1",
            "subject": "device/a",
            "time": "2026-11-21T00:00:00Z",
            "organizationid": 1,
            "data": {},
        }
    )
    await Publisher(broker).publish(Message(EVENTS_EXCHANGE, envelope.type, envelope.encode()))
    counting.acknowledge.clear()
    async with Broker.open(amqp_url, name="crashes") as crashing:
        task = asyncio.create_task(reader(crashing, counting).run())
        await eventually(lambda: counting.committed == 1)
        connection = await crashing.consuming.opened()
        await connection.close()
        await end([task])
    counting.acknowledge.set()
    running(reader(broker, counting))
    await eventually(lambda: counting.committed >= 2)
    assert await counting.effects() == {"device/a": 1}


async def _equals(asked, wanted: object) -> bool:
    return await asked == wanted
