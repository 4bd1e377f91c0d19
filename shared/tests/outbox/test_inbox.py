import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from shared.contracts.envelope import Envelope
from shared.outbox.inbox import first_time


def event(subject: str = "device/pump-7") -> Envelope:
    return Envelope(
        id=uuid4(), source="test", type="t.v1", subject=subject, time=datetime.now(UTC), organizationid=1, data={}
    )


async def take(engine: AsyncEngine, events: Sequence[Envelope], consumer: str = "test") -> list[Envelope]:
    async with AsyncSession(engine) as session:
        new = await first_time(session, consumer, events)
        await session.commit()
        return new


async def test_an_event_is_new_once(engine: AsyncEngine):
    events = [event() for _ in range(5)]
    assert await take(engine, events[:3]) == events[:3]
    assert await take(engine, events) == events[3:]
    assert await take(engine, []) == []


async def test_the_same_event_twice_in_a_batch_is_new_once(engine: AsyncEngine):
    first, second = event(), event()
    assert await take(engine, [second, first, second, first]) == [second, first]


async def test_consumers_do_not_take_from_each_other(engine: AsyncEngine):
    one = event()
    assert await take(engine, [one], "a") == [one]
    assert await take(engine, [one], "b") == [one]


async def test_what_is_rolled_back_is_new_again(engine: AsyncEngine):
    one = event()
    async with AsyncSession(engine) as session:
        assert await first_time(session, "test", [one]) == [one]
    assert await take(engine, [one]) == [one]


async def test_a_second_transaction_waits_for_the_first_and_then_knows(engine: AsyncEngine):
    one = event()
    async with AsyncSession(engine) as session:
        assert await first_time(session, "test", [one]) == [one]
        second = asyncio.create_task(take(engine, [one]))
        async with engine.connect() as observer:
            waiting = text("select count(*) from pg_locks where not granted")
            while not await observer.scalar(waiting):
                await observer.rollback()
        assert not second.done()
        await session.commit()
    assert await second == []


async def test_batches_of_the_same_events_in_other_orders_do_not_deadlock(engine: AsyncEngine):
    events = [event() for _ in range(200)]
    results = await asyncio.gather(*(take(engine, events if turn % 2 else events[::-1]) for turn in range(8)))
    assert sorted(len(new) for new in results) == [0] * 7 + [200]
