"""Search by RQL over 100,000 devices: the first page of the list, and a dry run that counts, over REST.

Measured beside the same route without a query, on the same rows: an organization's first page.
"""

import statistics
import time
from collections.abc import Sequence

import asyncpg
import httpx

from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import Platform

_DEVICES = 100_000
_AIM_MS = 250.0
_QUERIES = {
    "an equality on an attribute (1 in 1,000)": 'eq(attributes/rack,"rack-77")',
    "equalities and a range (1 in 40)": 'and(eq(attributes/type,"gateway"),gt(attributes/slots,7))',
    "a pattern on a name (1 in 1,000)": 'like(name,"* 77")',
    "a tag, negated (3 in 4)": 'not(eq(tags,"north"))',
    "a pattern that finds nothing": 'ilike(attributes/rack,"*nothing*")',
}

_FILL = """
insert into devices
select (jsonb_populate_record(device, jsonb_build_object(
    'id', nextval(pg_get_serial_sequence('devices', 'id')),
    'device_uid', 'search-' || number,
    'name', 'Device ' || number % 1000,
    'tags', jsonb_build_array((array['north', 'south', 'east', 'west'])[1 + number % 4]),
    'attributes', jsonb_build_object(
        'type', (array['pump', 'valve', 'gateway', 'meter'])[1 + number % 4],
        'slots', number % 10, 'rack', 'rack-' || number % 1000
    )
))).*
from devices as device, generate_series(1, $2) as number
where device.device_uid = $1
"""


async def measure(platform: Platform, uid: str, *, rounds: int) -> Row:
    """`uid` is a device that is there; 100,000 more are made like it, and removed in the end."""
    connection = await asyncpg.connect(f"{platform.info['postgres']}/device_management")
    try:
        await connection.execute(_FILL, uid, _DEVICES, timeout=300)
        await connection.execute("vacuum analyze devices", timeout=300)
        figures, aims = await _measured(platform, rounds)
    finally:
        await connection.execute("delete from devices where device_uid like 'search-%'", timeout=300)
        await connection.close()
    return Row("Search by RQL over 100,000 devices", figures, aims, {"devices": _DEVICES})


async def _measured(platform: Platform, rounds: int) -> tuple[list[Figure], list[Aim]]:
    headers = {"Authorization": f"Bearer {platform.access_token()}"}
    figures: list[Figure] = []
    every: list[list[float]] = [[] for _ in range(rounds)]
    async with httpx.AsyncClient(
        base_url=platform.info["gateway"], headers=headers, trust_env=False, timeout=30
    ) as http:
        plain = [[await _page(http, None) for _ in range(10)] for _ in range(rounds)]
        figures.append(Figure("the first page without a query, p95", "ms", [_p95(times) for times in plain]))
        for name, rql in _QUERIES.items():
            samples: list[float] = []
            for number in range(rounds):
                times = [*[await _page(http, rql) for _ in range(10)], *[await _count(http, rql) for _ in range(5)]]
                every[number] += times
                samples.append(_p95(times))
            figures.append(Figure(f"{name}, p95", "ms", samples))
    together = Figure("all searches together, p95", "ms", [_p95(times) for times in every])
    return [*figures, together], [Aim(together, _AIM_MS)]


async def _page(http: httpx.AsyncClient, rql: str | None) -> float:
    began = time.perf_counter()
    (await http.get("/api/v2/devices", params={"rql": rql} if rql else {})).raise_for_status()
    return (time.perf_counter() - began) * 1_000


async def _count(http: httpx.AsyncClient, rql: str) -> float:
    began = time.perf_counter()
    (await http.post("/api/v2/devices/search", json={"rql": rql, "sample": 0})).raise_for_status()
    return (time.perf_counter() - began) * 1_000


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1]
