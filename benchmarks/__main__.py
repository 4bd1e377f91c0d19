"""`python -m benchmarks [--quick] [ROW ...]`: measures, prints a table and writes benchmarks/results.json."""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from benchmarks import (
    batch_registration,
    cached_read,
    live_latency,
    machine,
    mass_configuration,
    messaging,
    search,
    telemetry_ingest,
    update_batch,
)
from benchmarks.figures import Figure, Row
from benchmarks.platform import Platform, started

RESULTS = Path(__file__).with_name("results.json")
ROWS = ("messaging", "ingest", "latency", "read", "batch", "search", "configuration", "updates")

_DEVICES = 200
_PROBES = 10
_CONFIGURED = 10_000
_UPDATED = 10_000
_UPDATED_LARGE = 100_000
_LOAD_UNMEASURED = 1_000.0
"""Messages a second beside the latency when ingest is not measured in the same run."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="one short round of each: shows that it runs, no more")
    parser.add_argument("--large", action="store_true", help="updates of 100,000 devices in place of 10,000")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    facts = machine.facts()
    began = time.monotonic()
    with started() as platform:
        rows = uvloop.run(_measure(platform, arguments.rows or ROWS, quick=arguments.quick, large=arguments.large))
    for row in rows:
        print("\n" + "\n".join(row.lines()))
    document = {
        "machine": facts,
        "quick": arguments.quick,
        "seconds": round(time.monotonic() - began),
        "rows": [row.document() for row in rows],
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    print(f"\n{document['seconds']} s on {facts['cores']} cores; all of it is in {RESULTS}")


async def _measure(platform: Platform, names: Sequence[str], *, quick: bool, large: bool) -> list[Row]:
    rounds = 1 if quick else 3
    tokens = await platform.enrol("bench", _DEVICES)
    uids = list(tokens)
    rows: list[Row] = []
    stored: Figure | None = None
    for name in (row for row in ROWS if row in names):
        print(f"measuring {name}", flush=True)
        if name == "messaging":
            rows += await messaging.measure(platform, count=5_000 if quick else 20_000, rounds=rounds)
        elif name == "ingest":
            row = await telemetry_ingest.measure(platform, uids, count=8_000 if quick else 20_000, rounds=rounds)
            stored = row.aims[0].figure
            rows.append(row)
        elif name == "latency":
            probes = await platform.enrol("probe", _PROBES)
            rate = stored.value / 2 if stored else _LOAD_UNMEASURED
            rows.append(await live_latency.measure(platform, uids, probes, rate=rate, seconds=5.0 if quick else 25.0))
        elif name == "batch":
            rows.append(await batch_registration.measure(platform, count=10_000, rounds=1 if quick else 5))
        elif name == "search":
            rows.append(await search.measure(platform, uids[0], rounds=rounds))
        elif name == "configuration":
            count = 500 if quick else _CONFIGURED
            rows.append(await mass_configuration.measure(platform, count=count, rounds=rounds))
        elif name == "updates":
            count = 1_000 if quick else _UPDATED_LARGE if large else _UPDATED
            rows.append(await update_batch.measure(platform, count=count, rounds=rounds))
        else:
            rows.append(
                await cached_read.measure(platform, uids[0], seconds=1.0 if quick else 1.5, rounds=1 if quick else 7)
            )
        await asyncio.sleep(0)
    return rows


if __name__ == "__main__":
    main()
