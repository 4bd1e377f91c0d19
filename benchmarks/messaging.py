"""Messaging against its ceilings: the same work with bare aiormq, on the same broker, in the same run.

`python benchmarks/messaging.py AMQP_URL` prints messages a second; the functions are for `make bench`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from statistics import median
from time import perf_counter

import aiormq
import uvloop
from aiormq import spec
from aiormq.abc import DeliveredMessage

from shared.messaging import topology
from shared.messaging.batches import BatchConsumer, Delivery, Rejected
from shared.messaging.connection import Broker
from shared.messaging.publisher import WINDOW, Message, Publisher

QUEUE = topology.TELEMETRY_QUEUE
BODY = b"x" * 128
BATCH = 500


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


async def compare(url: str, *, count: int = 30_000, rounds: int = 3) -> dict[str, float]:
    """The median of each in messages a second; taken in turns, so that a slow moment hits both."""
    async with Broker.open(url, name="benchmark") as broker:
        await topology.declare(broker, broker_events=None)
    results: dict[str, list[float]] = {}

    async def measure(function: Callable[[str, int], Awaitable[float]]) -> None:
        results.setdefault(function.__name__, []).append(await function(url, count))

    for _ in range(rounds):
        await measure(publish_bare)
        await measure(consume_bare)
        await measure(publish_all)
        await measure(consume_batches)
    return {name: median(figures) for name, figures in results.items()}


def main() -> None:
    figures = uvloop.run(compare(sys.argv[1]))
    for name, figure in figures.items():
        print(f"{name:16} {figure:10,.0f} messages a second")
    print(f"publish_all / publish_bare      {figures['publish_all'] / figures['publish_bare']:.2f}")
    print(f"consume_batches / consume_bare  {figures['consume_batches'] / figures['consume_bare']:.2f}")


if __name__ == "__main__":
    main()
