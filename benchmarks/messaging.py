"""Messaging against its ceilings: the same work with bare aiormq, on the same broker, in the same run."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from time import perf_counter

import aiormq
from aiormq import spec
from aiormq.abc import DeliveredMessage

from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import WORKER, Platform
from shared.messaging import topology
from shared.messaging.batches import BatchConsumer, Delivery, Rejected
from shared.messaging.connection import Broker
from shared.messaging.publisher import WINDOW, Message, Publisher

QUEUE = topology.TELEMETRY_QUEUE
BODY = b"x" * 128
BATCH = 500
UNIT = "messages/s"


async def publish_bare(url: str, count: int) -> float:
    """Persistent messages a second, in windows of confirms, by a bare aiormq channel."""
    async with aiormq.connect(url) as connection:
        channel = await connection.channel()
        begun = perf_counter()
        for start in range(0, count, WINDOW):
            await asyncio.gather(
                *(
                    channel.basic_publish(
                        BODY, routing_key=QUEUE, mandatory=True, properties=spec.Basic.Properties(delivery_mode=2)
                    )
                    for _ in range(min(WINDOW, count - start))
                )
            )
        return count / (perf_counter() - begun)


async def publish_all(url: str, count: int) -> float:
    """The same by our publisher."""
    async with Broker.open(url, name="benchmark") as broker:
        await broker.publishing.opened()
        publisher = Publisher(broker)
        messages = [Message("", QUEUE, BODY) for _ in range(count)]
        begun = perf_counter()
        outcomes = await publisher.publish_all(messages)
        seconds = perf_counter() - begun
        if any(outcomes):
            raise RuntimeError(f"not confirmed: {next(filter(None, outcomes))}")
        return count / seconds


async def consume_bare(url: str, count: int) -> float:
    """Messages a second off a queue that holds `count`, one acknowledgement a batch, by a bare aiormq channel."""
    async with aiormq.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        await channel.basic_qos(prefetch_count=BATCH * 3)
        done = asyncio.Event()
        taken: list[bytes] = []

        async def take(message: DeliveredMessage) -> None:
            taken.append(message.body)
            if len(taken) % BATCH == 0 or len(taken) == count:
                await channel.basic_ack(message.delivery_tag or 0, multiple=True)
            if len(taken) == count:
                done.set()

        begun = perf_counter()
        await channel.basic_consume(QUEUE, take)
        await done.wait()
        return count / (perf_counter() - begun)


async def consume_batches(url: str, count: int) -> float:
    """The same by our batch consumer."""
    done = asyncio.Event()
    taken = 0

    async def take(deliveries: Sequence[Delivery]) -> list[Rejected]:
        nonlocal taken
        taken += len(deliveries)
        if taken >= count:
            done.set()
        return []

    async with Broker.open(url, name="benchmark") as broker:
        await broker.consuming.opened()
        consumer = BatchConsumer(broker, QUEUE, take, batch=BATCH, linger=timedelta(milliseconds=50))
        begun = perf_counter()
        running = asyncio.create_task(consumer.run())
        await done.wait()
        seconds = perf_counter() - begun
        running.cancel()
        await asyncio.wait([running])
        return count / seconds


async def measure(platform: Platform, *, count: int, rounds: int) -> list[Row]:
    """Publishing and consuming; taken in turns, so that a slow moment hits all. The queue's own worker is down."""
    await asyncio.to_thread(platform.stack.stop, WORKER)
    rates: dict[str, list[float]] = {}

    async def take_turn(function: Callable[[str, int], Awaitable[float]]) -> None:
        rates.setdefault(function.__name__, []).append(await function(platform.info["amqp"], count))

    for _ in range(rounds):
        await take_turn(publish_bare)
        await take_turn(consume_bare)
        await take_turn(publish_all)
        await take_turn(consume_batches)
    await asyncio.to_thread(platform.stack.start, WORKER)
    facts = {"messages": count, "bytes": len(BODY), "window": WINDOW, "batch": BATCH}
    rows: list[Row] = []
    for what, bare, ours in (
        ("Publishing with confirms", "publish_bare", "publish_all"),
        ("Consuming in batches", "consume_bare", "consume_batches"),
    ):
        ceiling, figure = Figure("bare aiormq", UNIT, rates[bare]), Figure("shared.messaging", UNIT, rates[ours])
        rows.append(Row(what, [ceiling, figure], [Aim(figure, 0.8, ceiling)], facts))
    return rows
