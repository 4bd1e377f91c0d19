"""A consumer in a process of its own, to be killed in the middle of a batch: it says what it holds and holds it."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta

from shared.messaging.batches import BatchConsumer, Delivery, Rejected
from shared.messaging.connection import Broker
from shared.messaging.topology import TELEMETRY_QUEUE


async def hold(deliveries: Sequence[Delivery]) -> list[Rejected]:
    sys.stdout.write(f"holds {len(deliveries)}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()
    return []


async def main(url: str) -> None:
    async with Broker.open(url, name="crashes") as broker:
        await BatchConsumer(broker, TELEMETRY_QUEUE, hold, batch=10, linger=timedelta(hours=1)).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
