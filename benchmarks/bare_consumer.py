"""A ceiling of ingest: a bare aiormq consumer that acknowledges once a batch and does nothing else."""

import asyncio
import time

import aiormq
from aiormq.abc import DeliveredMessage

from benchmarks import child


async def consume(url: str, queue: str, count: int, batch: int) -> float:
    """Messages a second off a queue that holds `count`, from the first delivery to the last acknowledgement."""
    async with aiormq.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        await channel.basic_qos(prefetch_count=batch * 3)
        done = asyncio.Event()
        taken = 0
        begun = 0.0

        async def take(message: DeliveredMessage) -> None:
            nonlocal taken, begun
            begun = begun or time.perf_counter()
            taken += 1
            if taken % batch == 0 or taken == count:
                await channel.basic_ack(message.delivery_tag or 0, multiple=True)
            if taken == count:
                done.set()

        await channel.basic_consume(queue, take)
        await done.wait()
        return count / (time.perf_counter() - begun)


if __name__ == "__main__":
    child.main(consume)
