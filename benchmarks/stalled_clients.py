"""People watch the whole fleet while it publishes, and some of them stop reading: what the others notice of it.

Latency is from a device's publishing to each reader. The memory is the api replica's own, from when all clients are
there to the end.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil

from benchmarks import child
from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import Platform
from shared.testing import eventually

_API = "monitoring-api"
_CUT_OFF = re.compile(r'^muster_live_cut_off_total\{reason="slow"\} (\S+)', re.MULTILINE)
_CONNECTIONS = re.compile(r"^muster_live_connections (\S+)", re.MULTILINE)
_JOIN_S = 180.0
_MIB = 1 << 20


async def measure(
    platform: Platform, uids: Sequence[str], probe: str, *, clients: int, stalled: int, rate: float, seconds: float
) -> Row:
    """`rate` messages a second come from `uids`, a few more from `probe`."""
    calm, _ = await _watched(platform, uids, probe, readers=clients, stalled=0, rate=rate, seconds=seconds / 2)
    cut_before = await _cut_off(platform)
    stressed, memory = await _watched(
        platform, uids, probe, readers=clients - stalled, stalled=stalled, rate=rate, seconds=seconds
    )
    figures = [
        Figure("all read, p99", "ms", [calm["p99"]]),
        Figure("some stall: the others, p50", "ms", [stressed["p50"]]),
        Figure("some stall: the others, p99", "ms", [stressed["p99"]]),
        Figure("memory that the replica gained meanwhile", "MiB", [memory]),
    ]
    facts = {
        "clients": clients,
        "stalled": stalled,
        "cut_off": await _cut_off(platform) - cut_before,
        "messages_per_second": rate,
        "worst": round(stressed["worst"]),
        "samples": stressed["samples"],
    }
    return Row(
        f"{clients} clients of which {stalled} stall", figures, [Aim(figures[2], 500), Aim(figures[3], 32)], facts
    )


async def _watched(
    platform: Platform, uids: Sequence[str], probe: str, *, readers: int, stalled: int, rate: float, seconds: float
) -> tuple[dict[str, float], float]:
    """What the watchers have measured, and the MiB that the replica has gained since they were all there."""
    address = urlsplit(platform.info["monitoring"])
    replica = psutil.Process(platform.pid(_API))
    metrics = f"{platform.info['monitoring']}/metrics"
    async with (
        httpx.AsyncClient(timeout=10, trust_env=False) as http,
        child.started(
            "telemetry_load",
            url=platform.info["amqp"],
            uids=uids,
            count=round(rate * (seconds + _JOIN_S)),
            boot=uuid4().hex[:12],
            rate=rate,
        ) as load,
        child.started(
            "watchers",
            host=address.hostname,
            port=address.port,
            token=platform.access_token(),
            amqp=platform.info["amqp"],
            probe=probe,
            readers=readers,
            stalled=stalled,
            seconds=seconds,
        ) as measured,
    ):

        async def all_there() -> bool:
            found = _CONNECTIONS.search((await http.get(metrics)).text)
            return found is not None and float(found[1]) >= readers + stalled

        await eventually(all_there, timeout=_JOIN_S, interval=0.2, why="all clients are there")
        before = replica.memory_info().rss
        watched = await measured
        if load.done():
            raise RuntimeError("the load was over before the measurement was")
        return watched, (replica.memory_info().rss - before) / _MIB


async def _cut_off(platform: Platform) -> float:
    async with httpx.AsyncClient(trust_env=False) as http:
        metrics = (await http.get(f"{platform.info['monitoring']}/metrics")).raise_for_status().text
    found = _CUT_OFF.search(metrics)
    return float(found[1]) if found else 0.0
