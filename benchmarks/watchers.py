"""People who watch the whole fleet, some of whom stop reading, and how late a probe's samples reach the others."""

import asyncio
import json
import random
import re
import statistics
import time
from collections.abc import Sequence
from uuid import uuid4

import aiormq
from aiormq import spec

from benchmarks import child
from benchmarks.live_client import LiveClient
from shared.contracts.routes import DEVICES_EXCHANGE, device_key

_EVERY_S = (0.3, 0.5)
_TAIL_S = 2.0
_JOIN_S = 180.0
_AT_ONCE = 25


class _Reader:
    """Finds a probe's newest sample in what the server writes, without decoding all of it."""

    def __init__(self, probe: str, latencies: list[float]) -> None:
        self._item = re.compile(rf'"device_uid":"{probe}","ts":(\d+)'.encode())
        self._latencies = latencies
        self._seen = 0

    def __call__(self, event: bytes) -> None:
        found = self._item.findall(event)
        if found and (ts := int(found[-1])) > self._seen:
            self._seen = ts
            self._latencies.append(time.time() * 1_000 - ts)


async def watch(
    host: str, port: int, token: str, amqp: str, probe: str, readers: int, stalled: int, seconds: float
) -> dict[str, float]:
    """Milliseconds (`p50`, `p99`, `worst`) from a sample to each reader, and how many clients were cut off."""
    latencies: list[float] = []
    reading = [LiveClient(_Reader(probe, latencies)) for _ in range(readers)]
    deaf = [LiveClient(lambda _event: None) for _ in range(stalled)]
    everybody = [*reading, *deaf]
    async with asyncio.timeout(seconds + _JOIN_S):
        for start in range(0, len(everybody), _AT_ONCE):
            joining: Sequence[LiveClient] = everybody[start : start + _AT_ONCE]
            await asyncio.gather(*(_join(one, host, port, token, small_buffer=one in deaf) for one in joining))
        for one in deaf:
            one.stall()
        latencies.clear()
        sent = await _probe(amqp, probe, seconds)
        await asyncio.sleep(_TAIL_S)
    lost = sum(not one.connected for one in reading)
    if lost or len(latencies) < 0.5 * sent * readers:
        raise RuntimeError(f"{lost} of {readers} readers were cut off; {len(latencies)} samples of {sent} sent arrived")
    hundredths = statistics.quantiles(latencies, n=100)
    for one in everybody:
        one.close()
    return {"p50": hundredths[49], "p99": hundredths[98], "worst": max(latencies), "samples": len(latencies)}


async def _join(client: LiveClient, host: str, port: int, token: str, *, small_buffer: bool) -> None:
    await client.open(host, port, {"token": token}, small_buffer=small_buffer)
    answer = await client.call("subscribe", {"topics": ["telemetry"]})
    if not answer["ok"]:
        raise RuntimeError(f"subscribing was refused: {answer['error']}")


async def _probe(amqp: str, uid: str, seconds: float) -> int:
    """Publishes samples that say when; how many."""
    boot, seq, until = uuid4().hex[:12], 0, time.perf_counter() + seconds
    async with aiormq.connect(amqp) as connection:
        channel = await connection.channel()
        while time.perf_counter() < until:
            seq += 1
            sample = {"ts": time.time_ns() // 1_000_000, "seq": seq, "boot": boot, "metrics": {"temperature": 21.5}}
            await channel.basic_publish(
                json.dumps(sample).encode(),
                exchange=DEVICES_EXCHANGE,
                routing_key=device_key(uid, "telemetry"),
                properties=spec.Basic.Properties(delivery_mode=2),
            )
            await asyncio.sleep(random.uniform(*_EVERY_S))  # noqa: S311 - spreads the samples
    return seq


if __name__ == "__main__":
    child.main(watch)
