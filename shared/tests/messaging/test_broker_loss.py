"""The broker goes away at any time and comes back at any time."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import aiormq
import pytest

from shared import cancellation
from shared.contracts.routes import DEVICES_EXCHANGE
from shared.messaging import topology
from shared.messaging.batches import Delivery
from shared.messaging.connection import Broker
from shared.messaging.errors import BrokerAway, PublishUnknown
from shared.messaging.publisher import Message, Publisher
from shared.messaging.topology import TELEMETRY_QUEUE
from shared.testing import eventually
from shared.testing.proxy import proxied
from shared.worker import in_background

from .harness import Raw, Recorder


@contextmanager
def impatient(publisher: Publisher) -> Generator[None]:
    """Within the block it waits for a confirm no longer than a second."""
    patience, publisher._timeout_s = publisher._timeout_s, 1.0
    try:
        yield
    finally:
        publisher._timeout_s = patience


def sample(number: int) -> Message:
    return Message(DEVICES_EXCHANGE, "devices.pump.telemetry", str(number).encode())


async def test_a_broker_killed_and_started_again_loses_nothing_confirmed(
    declared: Broker, amqp_url: str, servers, consume, handle: Recorder
):
    publisher = Publisher(declared)
    consume()
    confirmed: list[int] = []
    lost_sight = asyncio.Event()
    stop = asyncio.Event()

    async def keep_publishing() -> None:
        number = 0
        while not stop.is_set():
            numbers = range(number, number + 20)
            for each, outcome in zip(numbers, await publisher.publish_all(list(map(sample, numbers))), strict=True):
                if outcome is None:
                    confirmed.append(each)
                else:
                    lost_sight.set()
            number += 20
            await asyncio.sleep(0.01)

    publishing = asyncio.create_task(keep_publishing())
    try:
        await eventually(lambda: len(confirmed) > 200 and len(handle.seen) > 100)
        await asyncio.to_thread(servers.kill, "rabbitmq")
        await eventually(lambda: lost_sight.is_set() and not declared.consuming.is_open)
        with pytest.raises(BrokerAway):
            await declared.check()
    finally:
        before = len(confirmed)
        await asyncio.to_thread(servers.start, "rabbitmq")
    await eventually(lambda: len(confirmed) > before + 200)
    stop.set()
    await publishing
    await eventually(lambda: declared.publishing.is_open and declared.consuming.is_open)
    await declared.check()
    await eventually(lambda: set(confirmed) <= set(map(int, handle.seen)))
    connection = await aiormq.connect(amqp_url)
    raw = Raw(await connection.channel())

    async def is_empty() -> bool:
        return await raw.ready(TELEMETRY_QUEUE) == 0

    await eventually(is_empty)
    await connection.close()


async def test_a_connection_lost_before_the_confirm_leaves_the_message_unknown(amqp_url: str, declared: Broker):
    async with proxied(amqp_url) as (proxy, url), Broker.open(url, name="cut") as broker:
        await broker.publishing.opened()
        publisher = Publisher(broker)
        await publisher.publish(sample(1))
        proxy.hold()
        publishing = asyncio.create_task(publisher.publish_all([sample(2), sample(3)]))
        await eventually(lambda: proxy.held)
        proxy.cut()
        assert [type(outcome) for outcome in await publishing] == [PublishUnknown, PublishUnknown]
        proxy.let_go()
        await eventually(lambda: broker.publishing.is_open)
        await publisher.publish(sample(4))


async def test_what_was_not_confirmed_in_time_does_not_answer_for_the_same_message_sent_again(
    amqp_url: str, declared: Broker
):
    async with proxied(amqp_url) as (proxy, url), Broker.open(url, name="slow") as broker:
        await broker.publishing.opened()
        publisher = Publisher(broker)
        await publisher.publish(sample(1))
        proxy.hold()
        with impatient(publisher), pytest.raises(PublishUnknown):
            await publisher.publish(Message("", "nowhere", b"", message_id="same"))
        again = asyncio.create_task(publisher.publish(Message("", TELEMETRY_QUEUE, b"", message_id="same")))
        await asyncio.sleep(0)
        proxy.let_go()
        await again


async def test_what_nobody_waits_for_any_more_does_not_answer_for_the_same_message_that_waited_its_turn(
    amqp_url: str, declared: Broker
):
    async with proxied(amqp_url) as (proxy, url), Broker.open(url, name="slow") as broker:
        await broker.publishing.opened()
        publisher = Publisher(broker, timeout=timedelta(seconds=30))
        await publisher.publish(sample(1))
        proxy.hold()
        left = asyncio.create_task(publisher.publish(Message("", "nowhere", b"", message_id="same")))
        again = asyncio.create_task(publisher.publish(Message("", TELEMETRY_QUEUE, b"", message_id="same")))
        await asyncio.sleep(0.1)
        left.cancel()
        await asyncio.wait([left])
        proxy.let_go()
        await again


async def test_a_broker_that_answers_nobody_gets_no_more_channels_and_no_publish_waits_longer_for_it(
    amqp_url: str, declared: Broker
):
    async with proxied(amqp_url) as (proxy, url), Broker.open(url, name="slow") as broker:
        connection = await broker.publishing.opened()
        publisher = Publisher(broker, timeout=timedelta(seconds=1))

        async def published() -> bool:
            return await publisher.publish_all([sample(1)]) == [None]

        await eventually(published)
        proxy.hold()
        async with asyncio.timeout(30):
            outcomes = [outcome for _ in range(3) for outcome in await publisher.publish_all([sample(2)])]
        assert [type(outcome) for outcome in outcomes] == [PublishUnknown, BrokerAway, BrokerAway]
        assert len(connection.channels) <= 3, "the connection's own, the one being closed, and the one being opened"
        proxy.let_go()
        await eventually(published)


async def test_a_broker_that_falls_silent_is_noticed_by_its_heartbeats(
    amqp_url: str, declared: Broker, raw, handle: Recorder, consume
):
    async with proxied(amqp_url) as (proxy, url), Broker.open(f"{url}?heartbeat=1", name="silent") as broker:
        publisher = Publisher(broker, timeout=timedelta(seconds=60))

        async def published() -> bool:
            """Not always the first time: two seconds in which this process does not run end the connection, too."""
            return await publisher.publish_all([sample(1)]) == [None]

        consume(broker)
        await raw.put(TELEMETRY_QUEUE, b"before")
        await eventually(lambda: b"before" in handle.seen)
        await eventually(published)
        proxy.fall_silent()
        publishing = asyncio.create_task(publisher.publish_all([sample(2)]))
        assert [type(outcome) for outcome in await publishing] == [PublishUnknown]
        proxy.let_go()
        await raw.put(TELEMETRY_QUEUE, b"after")
        await eventually(lambda: b"after" in handle.seen)


async def test_a_batch_that_waits_for_its_store_is_let_go_when_its_channel_dies(
    amqp_url: str, declared: Broker, raw, consume
):
    running: set[int] = set()
    calls = 0

    async def stuck(deliveries: Sequence[Delivery]) -> list[object]:
        nonlocal calls
        calls += 1
        mine = calls
        running.add(mine)
        try:
            await asyncio.Event().wait()
        finally:
            running.discard(mine)
        return []

    async with proxied(amqp_url) as (proxy, url), Broker.open(url, name="cut") as broker:
        consume(broker, handler=stuck)
        await raw.put(TELEMETRY_QUEUE, b"x")
        await eventually(lambda: running == {1})
        proxy.cut()
        await eventually(lambda: running == {2})


async def test_the_topology_comes_back_with_the_connection(amqp_url: str, declared: Broker, raw):
    async def complete() -> bool:
        return await topology.missing(declared, broker_events=None) == []

    await raw.channel.queue_delete(TELEMETRY_QUEUE)
    async with (
        proxied(amqp_url) as (proxy, url),
        Broker.open(url, name="cut") as broker,
        in_background({"topology": partial(topology.maintain, broker, broker_events=None)}),
    ):
        await eventually(complete)
        await raw.channel.queue_delete(TELEMETRY_QUEUE)
        proxy.cut()
        await eventually(complete)


async def test_closing_ends_in_time_though_the_broker_is_silent(amqp_url: str, monkeypatch):
    monkeypatch.setattr(cancellation, "AGAIN_S", 3_600)
    async with proxied(amqp_url) as (proxy, url), asyncio.timeout(60), Broker.open(url, name="silent") as broker:
        await broker.publishing.opened()
        await broker.consuming.opened()
        proxy.fall_silent()


async def test_while_the_broker_is_away_it_is_not_ready():
    async with Broker.open("amqp://guest:guest@127.0.0.1:1/", name="test") as broker:
        with pytest.raises(BrokerAway):
            await broker.check()
        with pytest.raises(BrokerAway):
            await topology.missing(broker)
