"""Telemetry over MQTT until it is stored: Muster beside mosquitto with a subscriber that writes to the same store.

Both get the same messages from the same clients with QoS 1, and what counts is documents in the store. mosquitto keeps
messages on disk now and then, lets anybody in, and its subscriber acknowledges before it has stored.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx

from benchmarks import child
from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import WORKER, Platform
from benchmarks.telemetry_ingest import settled_by, stored_samples
from muster_stack.packages import install_missing
from muster_stack.ports import LOOPBACK, any_free, is_listening
from muster_stack.programs import Program, require
from shared.mongo import client
from shared.testing import eventually

_MOSQUITTO = Program("mosquitto", "mosquitto")
_UNIT = "documents/s"
_PATIENCE_S = 180.0
_START_S = 20.0
_CONFIGURATION = """\
listener {port} {host}
allow_anonymous true
persistence true
persistence_location {directory}/
max_queued_messages 0
max_inflight_messages 1000
user root
log_dest none
"""


async def measure(platform: Platform, tokens: Mapping[str, str], *, count: int, rounds: int) -> Row:
    """`tokens` by device. Raises RuntimeError when Muster has not stored exactly what was confirmed."""
    await asyncio.to_thread(install_missing, (_MOSQUITTO,), print)
    ours: list[float] = []
    theirs: list[float] = []
    lost = 0
    for _ in range(rounds):
        ours.append(await _muster(platform, tokens, count))
        rate, stored = await _mosquitto(platform, tokens, count)
        theirs.append(rate)
        lost += count - stored
    reference = Figure("mosquitto with a subscriber that stores", _UNIT, theirs)
    figure = Figure("Muster", _UNIT, ours)
    facts = {"messages": count, "devices": len(tokens), "lost_by_the_subscriber": lost}
    return Row("MQTT to the store", [reference, figure], [Aim(figure, 0.8, reference)], facts)


async def _muster(platform: Platform, tokens: Mapping[str, str], count: int) -> float:
    url = platform.metrics_url(WORKER)
    before, _ = await stored_samples(platform)
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        settled_before = await settled_by(http, url)
        async with child.started(
            "mqtt_load", host=platform.mqtt.host, port=platform.mqtt.port, tokens=dict(tokens), count=count
        ) as load:
            ended = await _when_settled(http, url, settled_before + count)
            began = (await load)["began"]
    after, _ = await stored_samples(platform)
    if after - before != count:
        raise RuntimeError(f"{count} messages were confirmed and {after - before} samples are stored")
    return count / (ended - began)


async def _when_settled(http: httpx.AsyncClient, url: str, goal: float) -> float:
    """Seconds since 1970."""

    async def reached() -> bool:
        return await settled_by(http, url) >= goal

    await eventually(reached, timeout=_PATIENCE_S, why="everything that was published is stored")
    return time.time()


async def _mosquitto(platform: Platform, tokens: Mapping[str, str], count: int) -> tuple[float, int]:
    """The rate, and how many documents there are in the end."""
    _, like = await stored_samples(platform)
    into, ready = f"heard_{uuid4().hex[:8]}", f"ready_{uuid4().hex[:8]}"
    async with (
        _broker() as port,
        client.open(platform.info["mongodb"], "benchmark") as own,
        child.started(
            "mosquitto_subscriber",
            host=LOOPBACK,
            port=port,
            url=platform.info["mongodb"],
            database="monitoring",
            indexed_like=like,
            into=into,
            count=count,
            ready=ready,
        ) as heard,
    ):

        async def listens() -> bool:
            return bool(await own[ready].count_documents({}))

        await eventually(listens, timeout=_START_S, why="the subscriber listens")
        load = await child.run("mqtt_load", host=LOOPBACK, port=port, tokens=dict(tokens), count=count)
        ended = (await asyncio.wait_for(asyncio.shield(heard), _PATIENCE_S))["ended"]
        stored = await own[into].count_documents({})
    return stored / (ended - load["began"]), stored


@asynccontextmanager
async def _broker() -> AsyncGenerator[int]:
    port = any_free()
    with tempfile.TemporaryDirectory(prefix="muster-mosquitto-") as directory:
        file = Path(directory) / "mosquitto.conf"
        file.write_text(_CONFIGURATION.format(host=LOOPBACK, port=port, directory=directory))
        process = await asyncio.create_subprocess_exec(str(require(_MOSQUITTO)), "-c", str(file))
        try:
            await eventually(lambda: is_listening(port), timeout=_START_S, why="mosquitto answers")
            yield port
        finally:
            process.terminate()
            await process.wait()
