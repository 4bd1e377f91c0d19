"""What one would write beside a plain MQTT broker: a subscriber that stores what it hears, a batch at a time.

paho acknowledges a message when it hands it on, so what a crash of this process would lose is lost.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import aiomqtt

from benchmarks import child
from benchmarks.bare_insert import as_document, prepared
from shared.mongo import client

_BATCH = 1_000
_IN_FLIGHT = 2
_LINGER_S = 0.02
_SILENCE_S = 15.0


async def subscribe(
    host: str, port: int, url: str, database: str, indexed_like: str, into: str, count: int, ready: str
) -> dict[str, float]:
    """Stores until `count` messages are or nothing more comes; `ended` is when the last one was, since 1970."""
    async with (
        client.open(url, database) as real,
        client.open(url, "benchmark") as own,
        aiomqtt.Client(host, port, identifier="store", clean_session=False, max_queued_incoming_messages=None) as mqtt,
    ):
        store = await prepared(own[into], like=real[indexed_like])
        await mqtt.subscribe("devices/+/telemetry", qos=1)
        await own[ready].insert_one({"at": datetime.now(UTC)})
        heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        slots = asyncio.Semaphore(_IN_FLIGHT)
        stored, ended = 0, time.time()

        async def listen() -> None:
            async for message in mqtt.messages:
                heard.put_nowait(as_document(str(message.topic).replace("/", "."), bytes(message.payload)))

        async def insert(batch: list[dict[str, Any]]) -> None:
            nonlocal stored, ended
            try:
                await store.insert_many(batch, ordered=False)
            finally:
                slots.release()
            stored, ended = stored + len(batch), time.time()

        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listen())
            taken = 0
            while taken < count:
                try:
                    batch = [await asyncio.wait_for(heard.get(), _SILENCE_S)]
                except TimeoutError:
                    break
                await asyncio.sleep(_LINGER_S)
                await slots.acquire()
                while len(batch) < _BATCH and not heard.empty():
                    batch.append(heard.get_nowait())
                taken += len(batch)
                tasks.create_task(insert(batch))
            for _ in range(_IN_FLIGHT):
                await slots.acquire()
            listening.cancel()
        return {"stored": stored, "ended": ended}


if __name__ == "__main__":
    child.main(subscribe)
