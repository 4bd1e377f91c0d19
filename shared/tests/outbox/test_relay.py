import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from shared.cancellation import end
from shared.contracts.devices import DeviceTokenRevoked
from shared.messaging.errors import BrokerAway, PublishRefused, PublishUnknown
from shared.outbox import rounds
from shared.outbox.relay import Relay
from shared.precedence import Precedence
from shared.testing import eventually

from .harness import Recorded, outbox_of, registered


@pytest.fixture
async def relay(engine: AsyncEngine, engine_url: str, recorded: Recorded):
    """Starts a relay; it is ended with the test."""
    tasks: list[asyncio.Task[None]] = []

    def begin(publisher=recorded, **options) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(Relay(engine_url, publisher, **options).run()))
        return tasks[-1]

    yield begin
    recorded.gate.set()
    await end(tasks)


@pytest.fixture
def unsent(engine: AsyncEngine):
    async def count() -> int:
        async with engine.connect() as connection:
            return await connection.scalar(text("select count(*) from outbox where sent_at is null")) or 0

    return count


async def test_committed_events_are_published_in_order_and_marked(tell, relay, recorded: Recorded, unsent):
    await tell("a", "b")
    relay()
    await tell("c")
    await eventually(lambda: recorded.subjects == ["a", "b", "c"])
    await eventually(lambda: _none(unsent))


async def test_a_commit_wakes_the_relay(tell, relay, recorded: Recorded, unsent):
    relay(poll=timedelta(hours=1))
    for number in range(5):
        await tell(f"pump-{number}")
        await eventually(lambda: _none(unsent))
    assert len(recorded.subjects) == 5


async def test_a_commit_that_comes_late_is_not_skipped(engine: AsyncEngine, tell, relay, recorded: Recorded, unsent):
    relay()
    async with AsyncSession(engine) as slow:
        outbox = outbox_of(slow)
        outbox.add(registered("late"))
        await outbox.flush()
        await tell("early")
        await eventually(lambda: recorded.subjects == ["early"])
        await eventually(lambda: _none(unsent))
        await slow.commit()
    await eventually(lambda: recorded.subjects == ["early", "late"])


async def test_a_backlog_is_read_once_though_the_planner_knows_of_none(
    engine: AsyncEngine, tell, relay, recorded: Recorded
):
    read: list[int] = []
    for turn in ("before", "now"):
        await tell(*(f"{turn}-{number}" for number in range(2_000)))
        task = relay()
        await eventually(lambda: len(recorded.events) >= (len(read) + 1) * 2_000)
        await end([task])
        read.append(await _index_entries_read(engine))
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("vacuum analyze outbox"))
    assert read[1] - read[0] < 20 * 2_000


async def test_a_refused_event_holds_back_its_own_subject_only(tell, relay, recorded: Recorded):
    recorded.refuses["a"] = PublishRefused("full")
    await tell("a", "b", "a", "c")
    relay()
    await eventually(lambda: recorded.subjects == ["b", "c"])
    await tell("a", "b")
    await eventually(lambda: recorded.subjects == ["b", "c", "b"])
    recorded.refuses.clear()
    await eventually(lambda: recorded.subjects == ["b", "c", "b", "a", "a", "a"])
    events = [event for event in recorded.events if event.subject == "device/a"]
    assert [event.time for event in events] == sorted(event.time for event in events)


async def test_an_event_refused_once_is_still_before_the_later_ones_of_its_subject(tell, relay, recorded: Recorded):
    recorded.refuses_once = ["a"]
    await tell("a", "b", "a", "a")
    relay()
    await eventually(lambda: len(recorded.events) == 4)
    assert recorded.subjects[0] == "b"
    times = [event.time for event in recorded.events[1:]]
    assert times == sorted(times)


async def test_a_refused_event_waits_longer_each_time(engine: AsyncEngine, tell, relay, recorded: Recorded):
    recorded.refuses["a"] = PublishRefused("full")
    await tell("a")
    relay()

    async def put_off() -> bool:
        async with engine.connect() as connection:
            row = (
                await connection.execute(
                    text("select attempts, last_error, next_attempt_at - clock_timestamp() as wait from outbox")
                )
            ).one()
        return row.attempts >= 2 and row.last_error == "PublishRefused" and row.wait > timedelta(seconds=1)

    await eventually(put_off)


@pytest.mark.parametrize("outcome", [BrokerAway("away"), PublishUnknown("no confirm in time")])
async def test_while_the_broker_is_away_no_event_is_blamed(
    engine: AsyncEngine, tell, relay, recorded: Recorded, outcome: Exception
):
    for uid in ("a", "b"):
        recorded.refuses[uid] = outcome
    await tell("a", "b", "a")
    relay(poll=timedelta(milliseconds=10))
    await eventually(lambda: recorded.asked > 5)
    recorded.refuses.clear()
    await eventually(lambda: sorted(recorded.subjects) == ["a", "a", "b"])
    async with engine.connect() as connection:
        assert await connection.scalar(text("select max(attempts) from outbox")) == 0


async def test_two_relays_never_publish_side_by_side(tell, relay, recorded: Recorded, unsent):
    relay(batch=7)
    relay(batch=7)
    uids = [f"pump-{number}" for number in range(200)]
    for start in range(0, 200, 20):
        await tell(*uids[start : start + 20])
    await eventually(lambda: _none(unsent))
    assert recorded.most_at_once == 1
    assert recorded.subjects == uids


async def test_the_second_relay_takes_over_when_the_first_is_gone(tell, relay, recorded: Recorded):
    recorded.gate.clear()
    first = relay()
    await tell("a")
    await eventually(lambda: recorded.under_way == 1)
    successor = Recorded()
    relay(successor)
    recorded.gate.set()
    first.cancel()
    await asyncio.wait([first])
    await tell("b")
    await eventually(lambda: successor.subjects == ["b"])
    assert recorded.subjects == ["a"]


async def test_stopping_ends_the_round_under_way(tell, relay, recorded: Recorded, unsent):
    recorded.gate.clear()
    running = relay()
    await tell("a")
    await eventually(lambda: recorded.under_way == 1)
    running.cancel()
    await asyncio.sleep(0)
    recorded.gate.set()
    await asyncio.wait([running])
    assert recorded.subjects == ["a"]
    assert await unsent() == 0


async def test_a_lost_database_connection_is_opened_again(engine: AsyncEngine, tell, relay, recorded: Recorded):
    relay()
    await tell("a")

    async def marked() -> bool:
        async with engine.connect() as connection:
            return await connection.scalar(text("select count(*) from outbox where sent_at is not null")) == 1

    await eventually(marked, why="the first event marked: cut off before that, it would be sent twice")
    async with engine.begin() as connection:
        await connection.execute(
            text("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'muster-relay'")
        )
    await tell("b")
    await eventually(lambda: recorded.subjects == ["a", "b"])


async def test_sent_events_are_forgotten_after_a_day_and_unsent_ones_never(
    engine: AsyncEngine, tell, relay, recorded: Recorded
):
    await tell("a", "b", "c")
    async with engine.begin() as connection:
        for change in (
            "update outbox set sent_at = now() - interval '25 hours' where subject = 'device/a'",
            "update outbox set sent_at = now() - interval '23 hours' where subject = 'device/b'",
            "update outbox set created_at = now() - interval '9 days' where subject = 'device/c'",
            "update outbox set next_attempt_at = now() + interval '1 day' where subject = 'device/c'",
        ):
            await connection.execute(text(change))
    relay()

    async def forgotten() -> bool:
        async with engine.connect() as connection:
            return list(await connection.scalars(text("select subject from outbox"))) == ["device/b", "device/c"]

    await eventually(forgotten)


async def test_a_backlog_of_thousands_is_sent_without_waiting_between_rounds(tell, relay, recorded: Recorded, unsent):
    await tell(*(f"pump-{number}" for number in range(5_000)))
    relay(poll=timedelta(hours=1))
    await eventually(lambda: _none(unsent))
    assert len(recorded.subjects) == 5_000


async def _none(unsent) -> bool:
    return await unsent() == 0


async def _index_entries_read(engine: AsyncEngine) -> int:
    """By sessions that have ended: they have told their statistics."""
    query = text("select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'outbox'")
    async with engine.connect() as connection:
        return int(await connection.scalar(query))


async def test_what_is_urgent_goes_first_with_what_waits_of_its_subject(
    engine: AsyncEngine, tell, relay, recorded: Recorded
):
    await tell(*(f"pump-{number}" for number in range(6)))
    async with AsyncSession(engine) as session:
        outbox = outbox_of(session)
        outbox.add(DeviceTokenRevoked(**{**registered("pump-4").model_dump(), "version": 2}))
        await outbox.flush()
        await session.commit()
    relay(batch=2)
    await eventually(lambda: len(recorded.events) == 7)
    assert [event.subject.removeprefix("device/") for event in recorded.events] == [
        *("pump-4", "pump-4"),
        *("pump-0", "pump-1", "pump-2", "pump-3", "pump-5"),
    ]
    assert recorded.events[1].type == DeviceTokenRevoked.type


async def test_rounds_let_go_first_what_takes_precedence(tell, relay, recorded: Recorded, monkeypatch):
    monkeypatch.setattr(rounds, "_GIVES_WAY_S", 3_600)
    precedence = Precedence()
    with precedence.taken():
        relay(precedence=precedence)
        await tell("a")
        await asyncio.sleep(0.1)
        assert recorded.subjects == []
    await eventually(lambda: recorded.subjects == ["a"])


async def test_what_goes_first_holds_up_no_round_for_ever(tell, relay, recorded: Recorded):
    precedence = Precedence()
    with precedence.taken():
        relay(precedence=precedence)
        await tell("a")
        await eventually(lambda: recorded.subjects == ["a"])
