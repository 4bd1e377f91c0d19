"""Publishes telemetry on the devices' exchange with confirms: all of it at once, or at a steady rate."""

import asyncio
import time
from collections.abc import Sequence
from itertools import islice

import aiormq
from aiormq import spec

from benchmarks import child, samples

_WINDOW = 1_000
_TICK_S = 0.02
_PERSISTENT = 2


async def publish(url: str, uids: Sequence[str], count: int, boot: str, rate: float | None = None) -> float:
    """Returns the messages confirmed a second. `rate` None: as fast as the broker confirms."""
    async with aiormq.connect(url) as connection:
        channel = await connection.channel()
        stream = samples.messages(uids, count, boot=boot)
        window = _WINDOW if rate is None else max(1, round(rate * _TICK_S))
        begun = time.perf_counter()
        sent = 0
        while batch := list(islice(stream, window)):
            await asyncio.gather(
                *(
                    channel.basic_publish(
                        body,
                        exchange="amq.topic",
                        routing_key=key,
                        properties=spec.Basic.Properties(delivery_mode=_PERSISTENT),
                    )
                    for key, body in batch
                )
            )
            sent += len(batch)
            if rate is not None:
                await asyncio.sleep(max(0.0, begun + sent / rate - time.perf_counter()))
        return sent / (time.perf_counter() - begun)


if __name__ == "__main__":
    child.main(publish)
