"""`GET` one device, cached, beside the same token check with a bare Redis GET, and with a constant for an answer.

All three are routes of one process; they take turns, so that a slow moment of the machine hits all of them.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from redis.asyncio import Redis

from benchmarks import child
from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import Platform
from benchmarks.reference_api import CONSTANT_PREFIX, REDIS_PREFIX, key_of
from muster_stack.ports import LOOPBACK, any_free
from shared.testing import eventually

_CONNECTIONS = 32
_START_S = 20.0
_UNIT = "answers/s"


async def measure(platform: Platform, uid: str, *, seconds: float, rounds: int) -> Row:
    token = platform.access_token()
    paths = {
        "answering a constant": f"{CONSTANT_PREFIX}/{uid}",
        "a bare Redis GET": f"{REDIS_PREFIX}/{uid}",
        "GET one device, cached": f"/api/v2/devices/{uid}",
    }
    rates: dict[str, list[float]] = {name: [] for name in paths}
    async with _api(platform) as port:
        await _put_into_redis(platform, uid, port, token)
        for path in paths.values():
            await _load(port, path, token, 0.5)
        for _ in range(rounds):
            for name, path in paths.items():
                rates[name].append(await _load(port, path, token, seconds))
    constant, redis, cached = (Figure(name, _UNIT, samples) for name, samples in rates.items())
    return Row(
        "Cached read",
        [constant, redis, cached],
        [Aim(cached, 0.8, redis), Aim(cached, 0.7, constant)],
        {"connections": _CONNECTIONS, "seconds": seconds},
    )


async def _load(port: int, path: str, token: str, seconds: float) -> float:
    return await child.run(
        "http_load", host=LOOPBACK, port=port, path=path, token=token, seconds=seconds, connections=_CONNECTIONS
    )


async def _put_into_redis(platform: Platform, uid: str, port: int, token: str) -> None:
    """The bare GET finds the same bytes that the platform answers with."""
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {token}"}) as http:
        body = (await http.get(f"http://{LOOPBACK}:{port}/api/v2/devices/{uid}")).raise_for_status().content
    async with Redis.from_url(platform.info["redis"]) as redis:
        await redis.set(key_of(uid), body)


@asynccontextmanager
async def _api(platform: Platform) -> AsyncGenerator[int]:
    """The port of device-management's api with the reference routes, on the platform's own stores."""
    port = any_free()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")},
        "MUSTER_HOST": LOOPBACK,
        "MUSTER_PORT": str(port),
        "MUSTER_KEYS_DIR": str(platform.stack.layout.keys),
        "MUSTER_POSTGRES_URL": platform.info["postgres"],
        "MUSTER_REDIS_URL": platform.info["redis"],
        "MUSTER_AMQP_URL": platform.info["amqp"],
        "MUSTER_LOG_LEVEL": "WARNING",
        "MUSTER_PERSON_REQUESTS_PER_SECOND": "1000000",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.reference_api", env=environment)
    try:
        await eventually(lambda: _answers(f"http://{LOOPBACK}:{port}/readyz"), timeout=_START_S)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(url)).is_success
    except httpx.HTTPError:
        return False
