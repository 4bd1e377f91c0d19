"""Telemetry stored a second by one worker and by two, beside a bare consumer and a bare insert of the same messages.

Each round fills the queue while the workers are frozen, so that publishing takes nothing from what is measured and all
of them begin at once.
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
from benchmarks.twin import Twin, Worker, frozen
from shared.messaging.topology import TELEMETRY_QUEUE
from shared.mongo import client
from shared.testing import eventually

_BATCH = 1_000
_IN_FLIGHT = 2
_POLL_S = 0.05
"""At both ends only: the worker tells its figures at its own cost, fifty times a second at a sixth of its processor."""
_PATIENCE_S = 120.0
_DATABASE = "monitoring"
_SAMPLES = re.compile(r"samples_standard_\d{8}")
_SETTLED = re.compile(rf'^muster_messages_consumed_total{{queue="{re.escape(TELEMETRY_QUEUE)}"}} (\S+)', re.MULTILINE)
_UNIT = "messages/s"


async def measure(platform: Platform, uids: Sequence[str], *, count: int, rounds: int) -> list[Row]:
    """A row for one worker, a row for two. Raises RuntimeError when what is stored is not what was published."""
    twin = Twin.of(platform, WORKER)
    rates: dict[str, list[float]] = {}

    def keep(name: str, rate: float) -> None:
        rates.setdefault(name, []).append(rate)

    for _ in range(rounds):
        boot = uuid4().hex[:12]
        await asyncio.to_thread(platform.stack.stop, WORKER)
        await _fill(platform, uids, count, boot)
        keep("consumed", await _consume(platform, count))
        await asyncio.to_thread(platform.stack.start, WORKER)
        workers = [Worker(platform.pid(WORKER), platform.port(WORKER))]
        keep("one", await _store(platform, workers, uids, count))
        keep("inserted", await _insert(platform, uids, count, boot, in_flight=_IN_FLIGHT))
        with twin.started() as second:
            keep("two", await _store(platform, [*workers, second], uids, 2 * count))
        keep("inserted by two", await _insert(platform, uids, count, uuid4().hex[:12], in_flight=2 * _IN_FLIGHT))
    facts = {"messages": count, "devices": len(uids), "batch": _BATCH, "in_flight": _IN_FLIGHT}
    consumer = Figure("bare aiormq consumer, one acknowledgement a batch", _UNIT, rates["consumed"])
    rows: list[Row] = []
    for workers, stored, inserted in (("one worker", "one", "inserted"), ("two workers", "two", "inserted by two")):
        figure = Figure(f"stored by {workers}", _UNIT, rates[stored])
        insert = Figure("bare unordered insert_many", _UNIT, rates[inserted])
        ceiling = min(consumer, insert, key=lambda one: one.value)
        rows.append(Row(f"Telemetry ingest, {workers}", [consumer, insert, figure], [Aim(figure, 0.8, ceiling)], facts))
    return rows


async def _consume(platform: Platform, count: int) -> float:
    return await child.run("bare_consumer", url=platform.info["amqp"], queue=TELEMETRY_QUEUE, count=count, batch=_BATCH)


async def _insert(platform: Platform, uids: Sequence[str], count: int, boot: str, *, in_flight: int) -> float:
    _, collection = await stored_samples(platform)
    return await child.run(
        "bare_insert",
        url=platform.info["mongodb"],
        database=_DATABASE,
        indexed_like=collection,
        count=count,
        batch=_BATCH,
        in_flight=in_flight,
        uids=uids,
        boot=boot,
    )


async def _store(platform: Platform, workers: Sequence[Worker], uids: Sequence[str], count: int) -> float:
    """Messages a second of these workers, which are all there are. The queue is empty."""
    stored_before, _ = await stored_samples(platform)
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        await eventually(lambda: _all_ready(http, workers), timeout=_PATIENCE_S, why="the workers run")
        before = [await settled_by(http, worker.metrics) for worker in workers]
        with frozen(workers):
            await _fill(platform, uids, count, uuid4().hex[:12])
        rate = await _drain(http, workers, before, count)
    stored, _ = await stored_samples(platform)
    if stored - stored_before != count:
        raise RuntimeError(f"{count} messages were published and {stored - stored_before} samples are stored")
    return rate


async def _all_ready(http: httpx.AsyncClient, workers: Sequence[Worker]) -> bool:
    try:
        return all([(await http.get(worker.ready)).is_success for worker in workers])
    except httpx.HTTPError:
        return False


async def _fill(platform: Platform, uids: Sequence[str], count: int, boot: str) -> None:
    await child.run("telemetry_load", url=platform.info["amqp"], uids=uids, count=count, boot=boot)


async def _drain(http: httpx.AsyncClient, workers: Sequence[Worker], before: Sequence[float], count: int) -> float:
    """Messages a second, from when each worker has settled a batch until all is settled."""
    begun: tuple[float, float] | None = None
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            each = [await settled_by(http, worker.metrics) - was for worker, was in zip(workers, before, strict=True)]
            settled, at = sum(each), time.perf_counter()
            if begun is None and all(each):
                begun = settled, at
            if settled >= count:
                break
            await asyncio.sleep(max(_POLL_S, _half_of_the_rest(begun, settled, at, count) if begun else 0.0))
    if begun is None or begun[0] > count / 2:
        raise RuntimeError(f"{begun} of {count} messages when all workers had begun: measure more of them")
    return (settled - begun[0]) / (at - begun[1])


def _half_of_the_rest(begun: tuple[float, float], settled: float, at: float, count: int) -> float:
    """Seconds, as fast as it has gone since `begun`; 0 when nothing is known of that."""
    done = settled - begun[0]
    return (count - settled) / done * (at - begun[1]) / 2 if done else 0.0


async def settled_by(http: httpx.AsyncClient, url: str) -> float:
    """Of the telemetry queue, since the worker started; 0 while it does not answer."""
    try:
        metrics = (await http.get(url)).text
    except httpx.HTTPError:
        return 0.0
    found = _SETTLED.search(metrics)
    return float(found[1]) if found else 0.0


async def stored_samples(platform: Platform) -> tuple[int, str]:
    """How many samples are in the store, counted there, and the newest day's collection."""
    async with client.open(platform.info["mongodb"], _DATABASE) as database:
        names = sorted(filter(_SAMPLES.fullmatch, await database.list_collection_names()))
        return sum([await database[name].count_documents({}) for name in names]), names[-1] if names else ""
