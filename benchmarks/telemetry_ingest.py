"""Telemetry stored a second by one worker, beside a bare consumer and a bare insert of the same messages.

Each round fills the queue while the worker is down, so that publishing takes nothing from what is measured.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from uuid import uuid4

import httpx

from benchmarks import child
from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import WORKER, Platform
from shared.messaging.topology import TELEMETRY_QUEUE
from shared.mongo import client

_BATCH = 1_000
_IN_FLIGHT = 2
_POLL_S = 0.02
_PATIENCE_S = 120.0
_DATABASE = "monitoring"
_SAMPLES = re.compile(r"samples_standard_\d{8}")
_SETTLED = re.compile(rf'^muster_messages_consumed_total{{queue="{re.escape(TELEMETRY_QUEUE)}"}} (\S+)', re.MULTILINE)
_UNIT = "messages/s"


async def measure(platform: Platform, uids: Sequence[str], *, count: int, rounds: int) -> Row:
    """Raises RuntimeError when what is stored in the end is not exactly what was published."""
    stored: list[float] = []
    consumed: list[float] = []
    inserted: list[float] = []
    for _ in range(rounds):
        boot = uuid4().hex[:12]
        await asyncio.to_thread(platform.stack.stop, WORKER)
        await _fill(platform, uids, count, boot)
        consumed.append(
            await child.run(
                "bare_consumer", url=platform.info["amqp"], queue=TELEMETRY_QUEUE, count=count, batch=_BATCH
            )
        )
        await _fill(platform, uids, count, boot)
        before, _ = await _stored(platform)
        stored.append(await _drain(platform, count))
        after, collection = await _stored(platform)
        if after - before != count:
            raise RuntimeError(f"{count} messages were published and {after - before} samples are stored")
        inserted.append(
            await child.run(
                "bare_insert",
                url=platform.info["mongodb"],
                database=_DATABASE,
                indexed_like=collection,
                count=count,
                batch=_BATCH,
                in_flight=_IN_FLIGHT,
                uids=uids,
                boot=boot,
            )
        )
    worker = Figure("stored by one worker", _UNIT, stored)
    consumer = Figure("bare aiormq consumer, one acknowledgement a batch", _UNIT, consumed)
    insert = Figure("bare unordered insert_many", _UNIT, inserted)
    ceiling = min(consumer, insert, key=lambda figure: figure.value)
    facts = {"messages": count, "devices": len(uids), "batch": _BATCH, "in_flight": _IN_FLIGHT}
    return Row("Telemetry ingest", [consumer, insert, worker], [Aim(worker, 0.8, ceiling)], facts)


async def _fill(platform: Platform, uids: Sequence[str], count: int, boot: str) -> None:
    await child.run("telemetry_load", url=platform.info["amqp"], uids=uids, count=count, boot=boot)


async def _drain(platform: Platform, count: int) -> float:
    """Messages a second, between the first batch that the started worker has settled and the last."""
    starting = asyncio.create_task(asyncio.to_thread(platform.stack.start, WORKER))
    url = platform.metrics_url(WORKER)
    first: tuple[float, float] | None = None
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http, asyncio.timeout(_PATIENCE_S):
        while True:
            settled, at = await _settled(http, url), time.perf_counter()
            if settled and first is None:
                first = settled, at
            if settled >= count and first is not None:
                break
            await asyncio.sleep(_POLL_S)
    await starting
    if first[0] >= count:
        raise RuntimeError("the worker was faster than it could be watched: measure more messages")
    return (settled - first[0]) / (at - first[1])


async def _settled(http: httpx.AsyncClient, url: str) -> float:
    """Of the telemetry queue, since the worker started; 0 while it does not answer."""
    try:
        metrics = (await http.get(url)).text
    except httpx.HTTPError:
        return 0.0
    found = _SETTLED.search(metrics)
    return float(found[1]) if found else 0.0


async def _stored(platform: Platform) -> tuple[int, str]:
    """How many samples are in the store, counted there, and the newest day's collection."""
    async with client.open(platform.info["mongodb"], _DATABASE) as database:
        names = sorted(filter(_SAMPLES.fullmatch, await database.list_collection_names()))
        return sum([await database[name].count_documents({}) for name in names]), names[-1] if names else ""
