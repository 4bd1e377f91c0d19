"""The memory of monitoring's worker over messages passed, and over devices that it has never heard of."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import httpx
import psutil

from benchmarks import child
from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import WORKER, Platform
from benchmarks.telemetry_ingest import settled_by
from shared.testing import eventually

_PATIENCE_S = 180.0
_WARM_UP = 3
_MIB = 1 << 20


async def measure(platform: Platform, uids: Sequence[str], *, count: int, turns: int) -> Row:
    """`turns` times `count` messages of known devices, then as many of devices of which each turn has others."""
    for _ in range(_WARM_UP):
        await _pass(platform, uids, count)
    known = [await _pass(platform, uids, count) for _ in range(turns)]
    unknown = [
        await _pass(platform, [f"unheard-{turn}-{number}" for number in range(count // 10)], count)
        for turn in range(turns)
    ]
    figures = [
        Figure("resident when warm", "MiB", [known[0]]),
        Figure("growth over messages passed", "MiB", [max(known) - known[0]]),
        Figure("growth over devices never heard of", "MiB", [max(unknown) - known[-1]]),
    ]
    facts = {"messages_a_turn": count, "turns": turns, "resident": [round(one, 1) for one in (*known, *unknown)]}
    return Row("The worker's memory", figures, [Aim(figures[1], 24), Aim(figures[2], 24)], facts)


async def _pass(platform: Platform, uids: Sequence[str], count: int) -> float:
    """MiB that the worker holds when it has stored `count` more messages."""
    url = platform.metrics_url(WORKER)
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        goal = await settled_by(http, url) + count
        await child.run("telemetry_load", url=platform.info["amqp"], uids=uids, count=count, boot=uuid4().hex[:12])

        async def stored() -> bool:
            return await settled_by(http, url) >= goal

        await eventually(stored, timeout=_PATIENCE_S, interval=0.1, why=f"{count} messages are stored")
    await asyncio.sleep(1)
    return psutil.Process(platform.pid(WORKER)).memory_info().rss / _MIB
