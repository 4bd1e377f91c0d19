"""A release from its start to the last open session with its event published, against the same, bare.

What is bare is that of `update_batch`: the release itself, its waves and what it hands out are the platform's own.
While all sessions are open it is asked for as a dashboard asks.
"""

import time
from collections.abc import Sequence
from itertools import count as numbers
from statistics import quantiles

from benchmarks.figures import Aim, Figure, Row
from benchmarks.update_fleet import UpdateFleet

_UNIT = "devices/s"
_RELEASES = "/api/v2/releases"
_ASKED = 100
_LINEAR = 0.8
"""How much of its rate a release must keep when it has ten times the devices."""

_INITIATED = "select sum(initiated) from update_batches where release = $1"
_BATCHES = "select array_agg(id) from update_batches where release = $1"

_numbers = numbers(1)


async def measure(fleet: UpdateFleet, counts: Sequence[int], *, rounds: int) -> list[Row]:
    """A row for each of these counts of devices, the smallest first."""
    rows: list[Row] = []
    for count in counts:
        row = await _row(fleet, count, rounds)
        if rows:
            _, figure, *_ = row.figures
            _, smaller, *_ = rows[0].figures
            row = Row(row.what, row.figures, [*row.aims, Aim(figure, _LINEAR, smaller)], row.facts)
        rows.append(row)
    return rows


async def _row(fleet: UpdateFleet, count: int, rounds: int) -> Row:
    bare: list[float] = []
    opened: list[float] = []
    asked: dict[str, list[float]] = {"hierarchy": [], "wave": [], "list": []}
    for _ in range(rounds):
        slug = await _drafted(fleet, count)
        seconds = await fleet.seconds_to_open(
            f"{_RELEASES}/{slug}/start", lambda slug=slug: fleet.sql.fetchval(_INITIATED, slug), count
        )
        opened.append(count / seconds)
        bare.append(count / await fleet.seconds_bare(await fleet.sql.fetchval(_BATCHES, slug)))
        asked["hierarchy"].append(await _p95_ms(fleet, f"{_RELEASES}/{slug}/hierarchy"))
        asked["wave"].append(await _p95_ms(fleet, f"/api/v2/entities/wave:{slug}-wave-1"))
        asked["list"].append(await _p95_ms(fleet, _RELEASES))
        await fleet.end(f"{_RELEASES}/{slug}/cancel")
    ceiling = Figure("the same inserts and publishes, bare", _UNIT, bare)
    figure = Figure(f"release to {count:,} started to last open and told", _UNIT, opened)
    reads = [Figure(f"GET {what} of it, p95", "ms", samples) for what, samples in asked.items()]
    return Row(
        f"Release to {count:,} devices", [ceiling, figure, *reads], [Aim(figure, 0.4, ceiling)], {"devices": count}
    )


async def _drafted(fleet: UpdateFleet, count: int) -> str:
    """A release of one wave that has frozen which devices take part."""
    slug = f"{fleet.place}-{next(_numbers)}"
    query = f'and(eq(attributes/place,"{fleet.place}"),lt(attributes/number,{count}))'
    document = {
        "name": slug,
        "slug": slug,
        "bundle": {"apps": [{"firmware_id": fleet.firmware_id}]},
        "clusters": [{"rql": query}],
        "waves": [{"percent": 100}],
    }
    (await fleet.client.post(_RELEASES, json=document)).raise_for_status()
    return slug


async def _p95_ms(fleet: UpdateFleet, path: str) -> float:
    """Of one client that asks again as soon as it is answered."""
    took: list[float] = []
    for _ in range(_ASKED):
        began = time.perf_counter()
        (await fleet.client.get(path)).raise_for_status()
        took.append((time.perf_counter() - began) * 1_000)
    return quantiles(took, n=20)[-1]
