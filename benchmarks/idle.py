"""Waiting until device-management has nothing left to do, so that no round is measured with what the last left."""

import asyncio

import aiormq
import asyncpg

from benchmarks.platform import Platform
from shared.messaging import topology

_PATIENCE_S = 300.0


async def idle(platform: Platform) -> None:
    """Until its every event has been published and every queue of the services is empty, twice in a row."""
    database = await asyncpg.connect(f"{platform.info['postgres']}/device_management")
    try:
        async with aiormq.connect(platform.info["amqp"]) as connection:
            channel = await connection.channel()
            quiet = 0
            async with asyncio.timeout(_PATIENCE_S):
                while quiet < 2:
                    waiting = await database.fetchval("select count(*) from outbox where sent_at is null")
                    for queue in topology.CONSUMED_QUEUES:
                        waiting += (await channel.queue_declare(queue.name, passive=True)).message_count or 0
                    quiet = 0 if waiting else quiet + 1
                    await asyncio.sleep(0.5)
    finally:
        await database.close()
