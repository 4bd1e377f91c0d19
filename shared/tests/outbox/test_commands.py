"""Commands on the real database and broker; a device is a queue bound to its commands."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from shared.cancellation import end
from shared.contracts.commands import MAX_COMMAND_BYTES, DeviceCommand
from shared.messaging.connection import Broker
from shared.messaging.errors import BrokerAway, PublishRefused, PublishUnknown
from shared.messaging.publisher import Publisher
from shared.outbox.command_relay import CommandRelay
from shared.outbox.commands import Command, write_alike
from shared.testing import eventually

from .devices import HOUR, Devices, connect, take, type_of
from .harness import outbox_of


@pytest.fixture
def tell_connected(engine: AsyncEngine):
    async def commit(*uids: str) -> None:
        async with AsyncSession(engine) as session:
            outbox = outbox_of(session)
            outbox.devices_connected(uids)
            await outbox.flush()
            await session.commit()

    return commit


@pytest.fixture
async def relay(engine: AsyncEngine, engine_url: str):
    """Starts a relay; it is ended with the test."""
    tasks: list[asyncio.Task[None]] = []

    def begin(publisher, **options) -> None:
        tasks.append(asyncio.create_task(CommandRelay(engine_url, publisher, **options).run()))

    yield begin
    await end(tasks)


async def test_a_connected_device_gets_its_commands_in_order_with_the_time_left(
    broker: Broker, channel, ask, relay, waiting
):
    await connect(channel, "pump-7")
    relay(Publisher(broker))
    ids = await ask(*(("pump-7", f"step-{number}") for number in range(5)))
    for number, command_id in enumerate(ids):
        message = await take(channel, "pump-7")
        command = msgspec.json.decode(message.body, type=DeviceCommand)
        assert (command.id, command.type, command.params) == (command_id, f"step-{number}", {"n": 1})
        properties = message.header.properties
        assert (properties.message_id, properties.delivery_mode) == (str(command_id), 2)
        assert 3_500_000 < int(properties.expiration) <= 3_600_000
    await eventually(lambda: _is(waiting(), 0))


async def test_commands_that_differ_in_id_and_device_alone_arrive_as_any_other(
    broker: Broker, channel, engine: AsyncEngine, relay, waiting
):
    await connect(channel, "pump-7")
    await connect(channel, "pump-8")
    relay(Publisher(broker))
    alone, deadline = uuid4(), datetime.now(UTC) + HOUR
    params = {"text": 'a "quote", %s and \u00e4', "deep": [1, {"b": None}]}
    uids = {uuid4(): "pump-7", uuid4(): "pump-8"}
    async with AsyncSession(engine) as session:
        outbox = outbox_of(session)
        outbox.command(Command("pump-7", alone, "ask", params, deadline))
        outbox.commands_alike(uids, "ask", params, deadline)
        await outbox.flush()
        await session.commit()
    for uid, command_id in (("pump-7", alone), *((uid, command_id) for command_id, uid in uids.items())):
        message = await take(channel, uid)
        assert msgspec.json.decode(message.body, type=DeviceCommand) == DeviceCommand(
            command_id, "ask", params, deadline
        )
        assert message.header.properties.message_id == str(command_id)
    await eventually(lambda: _is(waiting(), 0))


@pytest.mark.parametrize("deadline", [datetime(2030, 1, 1), datetime(2030, 1, 1, tzinfo=UTC)])  # noqa: DTZ001 - is refused
def test_what_no_command_may_be_many_may_not_be_either(deadline: datetime):
    with pytest.raises(ValueError, match="needs a time zone" if deadline.tzinfo is None else "is over"):
        write_alike({uuid4(): "pump-7"}, "ask", {"text": "x" * MAX_COMMAND_BYTES}, deadline)


async def test_a_device_that_is_away_gets_its_commands_when_it_connects(
    broker: Broker, channel, ask, relay, waiting, tell_connected
):
    relay(Publisher(broker), poll=HOUR)
    await ask(("pump-7", "first"), ("pump-7", "second"))
    await eventually(lambda: _is(waiting("attempts > 0"), 1), why="the first parked, and the other with it")
    await connect(channel, "pump-7")
    await tell_connected("pump-7")
    assert [type_of(await take(channel, "pump-7")) for _ in range(2)] == ["first", "second"]
    await eventually(lambda: _is(waiting(), 0))


async def test_a_device_that_connected_unheard_is_reached_all_the_same(broker: Broker, channel, ask, relay, waiting):
    relay(Publisher(broker))
    await ask(("pump-7", "first"))
    await eventually(lambda: _is(waiting("attempts > 0"), 1))
    await connect(channel, "pump-7")
    assert type_of(await take(channel, "pump-7")) == "first"


async def test_a_new_command_takes_the_parked_ones_with_it_in_order(relay, ask, waiting, engine: AsyncEngine):
    devices = Devices()
    relay(devices, poll=HOUR)
    await ask(("pump-7", "first"), ("pump-7", "second"))
    await eventually(lambda: _is(waiting("attempts > 0"), 1), why="the first parked, and the other with it")
    async with engine.begin() as connection:
        await connection.execute(text("update device_commands set next_attempt_at = now() + interval '1 hour'"))
    devices.connected.add("pump-7")
    await ask(("pump-7", "third"))
    await eventually(lambda: devices.got == [("pump-7", kind) for kind in ("first", "second", "third")])


async def test_the_wait_for_a_device_grows_and_ends_at_hours(relay, ask, waiting, engine: AsyncEngine):
    await ask(("pump-7", "first"))
    async with engine.begin() as connection:
        await connection.execute(text("update device_commands set attempts = 5000"))
    relay(Devices())
    await eventually(lambda: _is(waiting("attempts = 5001 and last_error = 'Unroutable'"), 1))
    bounds = "next_attempt_at - clock_timestamp() between interval '4 hours' and interval '5 hours'"
    assert await waiting(bounds) == 1


async def test_a_device_that_connects_between_return_and_parking_waits_a_second(
    relay, ask, waiting, tell_connected, engine: AsyncEngine
):
    devices = Devices()
    await ask(("pump-7", "first"))
    async with engine.begin() as connection:
        await connection.execute(text("update device_commands set attempts = 20"))

    async def connects() -> None:
        devices.before_answer = None
        devices.connected.add("pump-7")
        await tell_connected("pump-7")

    devices.before_answer = connects
    relay(devices)
    await eventually(lambda: devices.got == [("pump-7", "first")])


async def test_ten_thousand_devices_that_are_away_hold_nobody_up(relay, ask, waiting):
    devices = Devices()
    devices.connected.add("present")
    await ask(*((f"away-{number}", "x") for number in range(10_000)), ("present", "y"))
    relay(devices)
    await eventually(lambda: devices.got == [("present", "y")])
    await eventually(lambda: _is(waiting("attempts > 0"), 10_000), interval=0.2)
    devices.connected.add("late")
    await ask(("late", "z"))
    await eventually(lambda: ("late", "z") in devices.got)


async def test_a_command_past_its_deadline_is_dropped_and_the_later_ones_are_sent(
    relay, ask, waiting, tell_connected, engine: AsyncEngine
):
    devices = Devices()
    relay(devices)
    [over] = await ask(("pump-7", "over"))
    await ask(("pump-7", "good"))
    async with engine.begin() as connection:
        past = text("update device_commands set deadline = now() - interval '1 second' where command_id = :over")
        await connection.execute(past, {"over": over})
    devices.connected.add("pump-7")
    await tell_connected("pump-7")
    await eventually(lambda: devices.got == [("pump-7", "good")])
    await eventually(lambda: _is(waiting(), 0), why="the row of the dropped one gone as well")


async def test_a_refusal_of_one_device_is_no_matter_of_the_others(relay, ask, waiting):
    devices = Devices()
    devices.connected |= {"a", "b"}
    devices.fails = [PublishRefused("full")]
    await ask(("a", "1"), ("a", "2"), ("b", "1"))
    relay(devices)
    await eventually(lambda: devices.got == [("b", "1"), ("a", "1"), ("a", "2")])


@pytest.mark.parametrize("outcome", [BrokerAway("away"), PublishUnknown("no confirm in time")])
async def test_while_the_broker_is_away_no_device_is_parked(relay, ask, waiting, outcome: Exception):
    devices = Devices()
    devices.connected |= {"a", "b"}
    devices.fails = [outcome] * 4
    await ask(("a", "1"), ("b", "1"))
    relay(devices, poll=timedelta(milliseconds=10))
    await eventually(lambda: sorted(devices.got) == [("a", "1"), ("b", "1")])
    assert await waiting("attempts > 0") == 0


async def test_a_lost_connection_to_the_broker_costs_no_command(broker: Broker, channel, ask, relay):
    await connect(channel, "pump-7")
    relay(Publisher(broker))
    await ask(("pump-7", "before"))
    assert type_of(await take(channel, "pump-7")) == "before"
    await (await broker.publishing.opened()).close()
    await ask(("pump-7", "after"))
    assert type_of(await take(channel, "pump-7")) == "after"


async def test_a_command_withdrawn_while_it_waits_is_not_sent(relay, ask, waiting, tell_connected, engine: AsyncEngine):
    devices = Devices()
    ids = await ask(("pump-7", "first"), ("pump-7", "second"))
    async with AsyncSession(engine) as session:
        outbox = outbox_of(session)
        outbox.withdraw(ids[:1])
        await outbox.flush()
        await session.commit()
    devices.connected.add("pump-7")
    relay(devices)
    await eventually(lambda: devices.got == [("pump-7", "second")])


async def test_a_command_that_waits_is_not_added_again(waiting, engine: AsyncEngine):
    command = Command("pump-7", uuid4(), "x", {}, datetime.now(UTC) + HOUR)
    async with AsyncSession(engine) as session:
        for _ in range(2):
            outbox = outbox_of(session)
            outbox.command(command)
            outbox.command(command)
            await outbox.flush()
        await session.commit()
    assert await waiting() == 1


async def test_what_is_parked_is_not_tried_until_its_device_has_connected(
    relay, ask, waiting, tell_connected, engine: AsyncEngine
):
    devices = Devices()
    devices.connected |= {"pump-7", "pump-8"}
    async with AsyncSession(engine) as session:
        outbox = outbox_of(session)
        outbox.command(Command("pump-7", uuid4(), "parked", {}, datetime.now(UTC) + HOUR, parked=True))
        await outbox.flush()
        await session.commit()
    await ask(("pump-8", "other"))
    relay(devices)
    await eventually(lambda: devices.got == [("pump-8", "other")])
    assert await waiting("next_attempt_at > clock_timestamp() + interval '3 minutes'") == 1
    await tell_connected("pump-7")
    await eventually(lambda: ("pump-7", "parked") in devices.got)


async def test_without_a_commit_there_is_no_command(waiting, engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        outbox = outbox_of(session)
        outbox.command(Command("pump-7", uuid4(), "x", {}, datetime.now(UTC) + HOUR))
        await outbox.flush()
    assert await waiting() == 0


@pytest.mark.parametrize(
    ("params", "deadline"),
    [({"blob": "x" * MAX_COMMAND_BYTES}, datetime.now(UTC) + HOUR), ({}, datetime(2030, 1, 1))],  # noqa: DTZ001
)
async def test_a_command_that_could_not_be_sent_is_refused(engine: AsyncEngine, params, deadline):
    async with AsyncSession(engine) as session:
        with pytest.raises(ValueError, match=r"over|time zone"):
            outbox_of(session).command(Command("pump-7", uuid4(), "x", params, deadline))


async def _is(asked: Awaitable[int], wanted: int) -> bool:
    return await asked == wanted
