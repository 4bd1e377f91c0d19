"""A ceiling of ingest: unordered insert_many of the same documents into the same store, with the same indexes."""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection

from benchmarks import child, samples
from shared.mongo import client
from shared.mongo.client import Document

Collection = AsyncIOMotorCollection[Document]

_UNIT = 1_000


async def insert(
    url: str, database: str, indexed_like: str, count: int, batch: int, in_flight: int, uids: Sequence[str], boot: str
) -> float:
    """Documents a second, journaled, `in_flight` batches side by side. `indexed_like` is the real collection."""
    async with client.open(url, database) as real, client.open(url, "benchmark") as own:
        bare = await prepared(own["samples"], like=real[indexed_like])
        documents = [as_document(key, body) for key, body in samples.messages(uids, count, boot=boot)]
        batches = iter([documents[start : start + batch] for start in range(0, count, batch)])

        async def work() -> None:
            for several in batches:
                await bare.insert_many(several, ordered=False)

        begun = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(in_flight)))
        return count / (time.perf_counter() - begun)


async def prepared(bare: Collection, *, like: Collection) -> Collection:
    """`bare` with the indexes that `like` has."""
    for name, index in (await like.index_information()).items():
        if name != "_id_":
            await bare.create_index(index["key"], name=name)
    return bare


def as_document(routing_key: str, body: bytes) -> dict[str, Any]:
    """A message of `samples` as monitoring stores it."""
    sample = json.loads(body)
    uid = routing_key.split(".")[1]
    key = f"{uid}:{sample['ts'] * _UNIT:016x}:{sample['boot']}:{sample['seq']}"
    return {"_id": key, "received_at": datetime.now(UTC), "metrics": sample["metrics"]}


if __name__ == "__main__":
    child.main(insert)
