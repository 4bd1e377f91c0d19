"""`python -m benchmarks [--quick] [ROW ...]`: measures, prints a table and writes benchmarks/results.json."""

import argparse
import asyncio
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import uvloop

from benchmarks import (
    batch_registration,
    cached_read,
    day_query,
    ddi,
    fan_out,
    live_latency,
    machine,
    mass_configuration,
    messaging,
    mosquitto,
    reconnect,
    release,
    search,
    simulated_fleet,
    stalled_clients,
    telemetry_ingest,
    update_batch,
    update_fleet,
    worker_memory,
)
from benchmarks.figures import Row
from benchmarks.platform import Platform, started

RESULTS = Path(__file__).with_name("results.json")

_ROW_S, _LARGE_ROW_S = 600.0, 2_400.0
"""No row takes that long; one that does is stuck."""
_DEVICES = 200
_PROBES = 10
_CONNECTIONS = 40
_WATCHED = 50
_CONFIGURED = 10_000
_UPDATED = 10_000
_RECONNECTING = 10_000
_UPDATED_LARGE = 100_000
_SIMULATED = 10_000
_LOAD = 1_000.0
"""Messages a second beside what is measured; beside the latency, when ingest is not measured in the same run."""


@dataclass
class Run:
    """`tokens` are those of the devices that publish; `stored` is what one worker stores a second, once measured."""

    platform: Platform
    tokens: Mapping[str, str]
    quick: bool
    large: bool
    stored: float = 2 * _LOAD

    @property
    def uids(self) -> list[str]:
        return list(self.tokens)

    @property
    def rounds(self) -> int:
        return 1 if self.quick else 3


async def _messaging(run: Run) -> list[Row]:
    return await messaging.measure(run.platform, count=5_000 if run.quick else 20_000, rounds=run.rounds)


async def _ingest(run: Run) -> list[Row]:
    count = 8_000 if run.quick else 40_000
    rows = await telemetry_ingest.measure(run.platform, run.uids, count=count, rounds=run.rounds)
    run.stored = rows[0].aims[0].figure.value
    return rows


async def _mosquitto(run: Run) -> list[Row]:
    some = dict(islice(run.tokens.items(), _CONNECTIONS))
    count = 4_000 if run.quick else 20_000
    return [await mosquitto.measure(run.platform, some, count=count, rounds=run.rounds)]


async def _memory(run: Run) -> list[Row]:
    count, turns = (4_000, 2) if run.quick else (20_000, 5)
    return [await worker_memory.measure(run.platform, run.uids, count=count, turns=turns)]


async def _latency(run: Run) -> list[Row]:
    probes = await run.platform.enrol("probe", _PROBES)
    seconds = 5.0 if run.quick else 25.0
    return [await live_latency.measure(run.platform, run.uids, probes, rate=run.stored / 2, seconds=seconds)]


async def _fan_out(run: Run) -> list[Row]:
    frames = 40 if run.quick else 200
    watched = run.uids[:_WATCHED]
    return [await fan_out.measure(run.platform, watched, clients=500, frames=frames, rounds=run.rounds)]


async def _stalled(run: Run) -> list[Row]:
    [probe] = await run.platform.enrol("seen", 1)
    seconds = 6.0 if run.quick else 30.0
    return [
        await stalled_clients.measure(
            run.platform, run.uids, probe, clients=200, stalled=20, rate=_LOAD, seconds=seconds
        )
    ]


async def _reconnect(run: Run) -> list[Row]:
    count, spread = (300, 6.0) if run.quick else (_RECONNECTING, 60.0)
    return [await reconnect.measure(run.platform, count=count, spread_s=spread)]


async def _read(run: Run) -> list[Row]:
    seconds, rounds = (1.0, 1) if run.quick else (1.5, 7)
    return [await cached_read.measure(run.platform, run.uids[0], seconds=seconds, rounds=rounds)]


async def _batch(run: Run) -> list[Row]:
    return [await batch_registration.measure(run.platform, count=10_000, rounds=1 if run.quick else 9)]


async def _search(run: Run) -> list[Row]:
    return [await search.measure(run.platform, run.uids[0], rounds=run.rounds)]


async def _day(run: Run) -> list[Row]:
    queries, rounds = (5, 1) if run.quick else (30, 3)
    return [await day_query.measure(run.platform, devices=1_000, queries=queries, rounds=rounds)]


async def _configuration(run: Run) -> list[Row]:
    count = 500 if run.quick else _CONFIGURED
    return [await mass_configuration.measure(run.platform, count=count, rounds=run.rounds)]


async def _updates(run: Run) -> list[Row]:
    counts = [1_000] if run.quick else [_UPDATED, _UPDATED_LARGE] if run.large else [_UPDATED]
    rounds = 1 if run.large else run.rounds
    async with update_fleet.registered(run.platform, counts[-1]) as fleet:
        batch = await update_batch.measure(fleet, rounds=rounds)
        return [batch, *await release.measure(fleet, counts, rounds=rounds)]


async def _ddi(run: Run) -> list[Row]:
    devices, seconds = (100, 2.0) if run.quick else (1_000, 5.0)
    return await ddi.measure(run.platform, devices=devices, seconds=seconds, rounds=run.rounds)


async def _simulator(run: Run) -> list[Row]:
    devices, seconds = (500, 2.0) if run.quick else (_SIMULATED, 10.0)
    return [await simulated_fleet.measure(devices=devices, seconds=seconds)]


ROWS: Mapping[str, Callable[[Run], Awaitable[list[Row]]]] = {
    "messaging": _messaging,
    "ingest": _ingest,
    "mosquitto": _mosquitto,
    "memory": _memory,
    "latency": _latency,
    "fan-out": _fan_out,
    "stalled": _stalled,
    "reconnect": _reconnect,
    "read": _read,
    "batch": _batch,
    "search": _search,
    "day": _day,
    "configuration": _configuration,
    "updates": _updates,
    "simulator": _simulator,
    "ddi": _ddi,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="one short round of each: shows that it runs, no more")
    parser.add_argument("--large", action="store_true", help="a batch and a release to 100,000 devices too")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    facts = machine.facts()
    began = time.monotonic()
    with started() as platform:
        names = arguments.rows or list(ROWS)
        rows, failed = uvloop.run(_measure(platform, names, quick=arguments.quick, large=arguments.large))
    for row in rows:
        print("\n" + "\n".join(row.lines()))
    document = {
        "machine": facts,
        "quick": arguments.quick,
        "seconds": round(time.monotonic() - began),
        "rows": [row.document() for row in rows],
        "failed": failed,
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    print(f"\n{document['seconds']} s on {facts['cores']} cores; all of it is in {RESULTS}")
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


async def _measure(
    platform: Platform, names: Sequence[str], *, quick: bool, large: bool
) -> tuple[list[Row], list[str]]:
    """The rows, and the names of those that failed or took too long: the others are measured nevertheless."""
    run = Run(platform, await platform.enrol("bench", _DEVICES), quick, large)
    rows: list[Row] = []
    failed: list[str] = []
    for name, measure in ROWS.items():
        if name not in names:
            continue
        print(f"measuring {name}", flush=True)
        began = time.monotonic()
        try:
            async with asyncio.timeout(_LARGE_ROW_S if large else _ROW_S):
                rows += await measure(run)
        except Exception:  # noqa: BLE001 - whatever it is, it is told, and ends this row alone
            traceback.print_exc()
            failed.append(name)
            await asyncio.to_thread(platform.stack.up)
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    return rows, failed


if __name__ == "__main__":
    main()
