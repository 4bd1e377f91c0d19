"""A question about a day of 1,000 devices, over REST, beside a bare read of the documents that hold the answer.

The day is written as the worker writes it: 24 hours of each device with some metrics, each of many samples.
"""

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from statistics import quantiles

import httpx

from benchmarks.figures import Figure, Row
from benchmarks.platform import Platform
from monitoring.rollups.models import Bucket, DayChange, Rollup
from monitoring.rollups.store import RollupStore, summaries_of
from monitoring.telemetry.models import day_number
from shared.mongo import client
from shared.testing import eventually

_DATABASE = "monitoring"
_METRICS = ("temperature", "humidity", "pressure")
_SAMPLES_AN_HOUR = 60
_PREFIX = "day"
_FLEET_S = 60.0
_UNIT = "ms"


async def measure(platform: Platform, *, devices: int, queries: int, rounds: int) -> Row:
    uids = [f"{_PREFIX}-{number:04}" for number in range(devices)]
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = end - timedelta(days=1)
    series: list[float] = []
    statistics: list[float] = []
    bare: list[float] = []
    async with client.open(platform.info["mongodb"], _DATABASE) as database:
        store = RollupStore(database)
        await _write(store, uids, start)
        headers = {"Authorization": f"Bearer {platform.access_token()}"}
        url = platform.info["gateway"]
        params = {
            "rql": f'like(device_uid,"{_PREFIX}-*")',
            "metric": _METRICS[0],
            "from": start.isoformat(),
            "to": end.isoformat(),
        }
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
            organization_id = (await http.get("/api/v2/auth/me")).raise_for_status().json()["organization"]["id"]
            batch = [{"device_uid": uid, "organization_id": organization_id} for uid in uids]
            (await http.post("/api/v2/devices/batch", json=batch)).raise_for_status()
            await eventually(lambda: _knows(http, params, devices), timeout=_FLEET_S)
            for _ in range(rounds):
                bare.append(await _p95(lambda: _read(store, uids, start, end), queries))
                series.append(await _p95(lambda: _ask(http, "series", params), queries))
                statistics.append(await _p95(lambda: _ask(http, "statistics", params), queries))
    figures = [
        Figure("bare read of the day's documents, p95", _UNIT, bare),
        Figure("series of a metric over a day, p95", _UNIT, series),
        Figure("statistics of a metric over a day, p95", _UNIT, statistics),
    ]
    facts = {"devices": devices, "queries": queries, "metrics": len(_METRICS), "samples an hour": _SAMPLES_AN_HOUR}
    return Row("Query over a day", figures, [], facts)


async def _write(store: RollupStore, uids: list[str], start: datetime) -> None:
    drawn = random.Random(1)  # noqa: S311 - the same day each time
    day = {hour: _bucket(drawn, start + timedelta(hours=hour)) for hour in range(24)}
    await store.put_days({(uid, day_number(start.date())): DayChange(hours=day) for uid in uids})


def _bucket(drawn: random.Random, at: datetime) -> Bucket:
    metrics: dict[str, Rollup] = {}
    for name in _METRICS:
        rollup = metrics[name] = Rollup()
        for number in range(_SAMPLES_AN_HOUR):
            rollup.add(int(at.timestamp() + number * 60) * 1_000_000, drawn.gauss(20, 2))
    return Bucket(_SAMPLES_AN_HOUR, {}, metrics)


async def _read(store: RollupStore, uids: list[str], start: datetime, end: datetime) -> None:
    found = store.summaries(timedelta(hours=1), uids, start, end, read=summaries_of(frozenset()))
    if sum([1 async for _ in found]) != 24 * len(uids):
        raise RuntimeError("the day is not whole")


async def _knows(http: httpx.AsyncClient, params: Mapping[str, str], devices: int) -> bool:
    answer = await http.get("/api/v2/telemetry/series", params=params)
    return answer.raise_for_status().json()["devices"] == devices


async def _ask(http: httpx.AsyncClient, question: str, params: Mapping[str, str]) -> None:
    answer = await http.get(f"/api/v2/telemetry/{question}", params=params)
    if answer.raise_for_status().json()["resolution"] != "hour":
        raise RuntimeError("a day of so many devices is answered by hours")


async def _p95(call: Callable[[], Awaitable[None]], times: int) -> float:
    """Milliseconds, one after the other."""
    took: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        await call()
        took.append((time.perf_counter() - began) * 1_000)
    return quantiles(took, n=20, method="inclusive")[-1]
