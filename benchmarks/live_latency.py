"""From a device to a dashboard: MQTT publish to Socket.IO client, while others publish at half of what a worker stores.

The ceiling is the broker's round trip of the same messages: the same publish to a bare AMQP consumer.
"""

import asyncio
import json
import random
import statistics
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import aiormq
import socketio
from aiormq.abc import DeliveredMessage

from benchmarks import child
from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import Platform
from muster_cli.mqtt.connection import MqttConnection
from muster_cli.mqtt.packets import Will
from shared.testing import eventually

_EVERY_S = (0.3, 0.5)
_SETTLE_S = 2.0
_TAIL_S = 3.0
_KNOWN_S = 30.0


class Stopwatch:
    """Milliseconds from the publishing of each sample until it, or a newer one of its device, has arrived."""

    def __init__(self) -> None:
        self._under_way: dict[str, dict[int, float]] = {}
        self.latencies: list[float] = []

    def sent(self, uid: str, ts: int, at: float) -> None:
        self._under_way.setdefault(uid, {})[ts] = at

    def arrived(self, uid: str, ts: int) -> None:
        waiting = self._under_way.get(uid, {})
        now = time.perf_counter()
        for seen in [earlier for earlier in waiting if earlier <= ts]:
            self.latencies.append((now - waiting.pop(seen)) * 1_000)

    @property
    def lost(self) -> int:
        return sum(len(waiting) for waiting in self._under_way.values())


async def measure(
    platform: Platform, uids: Sequence[str], probes: dict[str, str], *, rate: float, seconds: float
) -> Row:
    """`rate` messages a second come from `uids`; what is timed comes from `probes`, tokens by uid."""
    broker, device_view, fleet_view = Stopwatch(), Stopwatch(), Stopwatch()
    watches = (broker, device_view, fleet_view)
    async with (
        _on_the_broker(platform, list(probes), broker),
        _on_a_dashboard(platform, device_view, devices=list(probes)),
        _on_a_dashboard(platform, fleet_view),
        child.started(
            "telemetry_load",
            url=platform.info["amqp"],
            uids=uids,
            count=round(rate * (seconds + 2 * _SETTLE_S)),
            boot=uuid4().hex[:12],
            rate=rate,
        ) as load,
    ):
        await asyncio.sleep(_SETTLE_S)
        until = time.perf_counter() + seconds
        await asyncio.gather(*(_publish(platform, uid, token, until, watches) for uid, token in probes.items()))
        achieved = await load
        with suppress(AssertionError):
            await eventually(lambda: not any(watch.lost for watch in watches), timeout=_TAIL_S)
    round_trip = _percentiles("broker round trip", broker)
    one = _percentiles("to a page of these devices", device_view)
    all_ = _percentiles("to a page of the whole fleet", fleet_view)
    facts = {
        "load_asked": round(rate),
        "load_achieved": round(achieved),
        "probes": len(probes),
        "samples": len(device_view.latencies),
        "never_arrived": device_view.lost,
    }
    return Row(
        f"Latency from device to dashboard at {round(achieved):,} messages/s",
        [*round_trip, *one, *all_],
        [Aim(one[0], 100.0), Aim(one[1], 400.0)],
        facts,
    )


async def _publish(platform: Platform, uid: str, token: str, until: float, watches: Sequence[Stopwatch]) -> None:
    connection = MqttConnection(on_lost=lambda: None)
    gone = json.dumps({"online": False, "session": "bench"}).encode()
    await connection.open(*platform.mqtt, uid=uid, token=token, will=Will(f"devices/{uid}/status", gone))
    boot, seq = uuid4().hex[:12], 0
    while time.perf_counter() < until:
        await asyncio.sleep(random.uniform(*_EVERY_S))  # noqa: S311 - spreads the probes
        ts, seq = time.time_ns() // 1_000_000, seq + 1
        body = json.dumps({"ts": ts, "seq": seq, "boot": boot, "metrics": {"temperature": 20.0 + seq % 5}})
        at = time.perf_counter()
        for watch in watches:
            watch.sent(uid, ts, at)
        await connection.publish(f"devices/{uid}/telemetry", body.encode())
    await connection.close()


@asynccontextmanager
async def _on_the_broker(platform: Platform, uids: Sequence[str], watch: Stopwatch) -> AsyncGenerator[None]:
    async def take(message: DeliveredMessage) -> None:
        watch.arrived((message.routing_key or "").split(".")[1], json.loads(message.body)["ts"])

    async with aiormq.connect(platform.info["amqp"]) as connection:
        channel = await connection.channel()
        queue = (await channel.queue_declare(exclusive=True)).queue or ""
        for uid in uids:
            await channel.queue_bind(queue, "amq.topic", f"devices.{uid}.telemetry")
        await channel.basic_consume(queue, take, no_ack=True)
        yield


@asynccontextmanager
async def _on_a_dashboard(
    platform: Platform, watch: Stopwatch, devices: Sequence[str] | None = None
) -> AsyncGenerator[None]:
    page = socketio.AsyncClient()

    async def telemetry(frame: dict[str, Any]) -> None:
        for item in frame["items"]:
            watch.arrived(item["device_uid"], item["ts"])

    page.on("telemetry", telemetry)
    await page.connect(
        platform.info["gateway"], auth={"token": platform.access_token()}, transports=["websocket"], wait_timeout=10
    )
    request: dict[str, Any] = {"topics": ["telemetry"], **({"devices": list(devices)} if devices else {})}

    async def watches() -> bool:
        answer = await page.call("subscribe", request)
        assert answer["ok"], answer["error"]
        return True

    await eventually(watches, timeout=_KNOWN_S, interval=0.5, why="monitoring knows the probes")
    yield
    await page.disconnect()


def _percentiles(name: str, watch: Stopwatch) -> tuple[Figure, Figure]:
    """p50 and p99."""
    hundredths = statistics.quantiles(watch.latencies, n=100)
    return Figure(f"{name}, p50", "ms", [hundredths[49]]), Figure(f"{name}, p99", "ms", [hundredths[98]])
