"""Socket.IO fan-out: what one api replica delivers to many clients, beside a bare python-socketio server.

Both are told by frames of one device each what to send to everybody; ours reads them off the broker, checks them,
conflates them and finds their rooms.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx

from benchmarks import child
from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import Platform
from muster_stack.ports import LOOPBACK, any_free, is_listening
from shared.testing import eventually

_UNIT = "deliveries/s"
_START_S = 20.0


async def measure(platform: Platform, uids: Sequence[str], *, clients: int, frames: int, rounds: int) -> Row:
    """`uids` are devices of the administrator's organization, the monitoring of which knows them."""
    token = platform.access_token()
    organization = await _organization(platform, token)
    address = urlsplit(platform.info["monitoring"])
    shared = {"clients": clients, "uids": uids, "frames": frames, "token": token, "organization": organization}
    bare: list[float] = []
    ours: list[float] = []
    for _ in range(rounds):
        async with _bare_server() as port:
            bare.append(await child.run("fan_out_clients", host=LOOPBACK, port=port, amqp=None, **shared))
        ours.append(
            await child.run(
                "fan_out_clients", host=address.hostname, port=address.port, amqp=platform.info["amqp"], **shared
            )
        )
    ceiling, figure = Figure("bare python-socketio", _UNIT, bare), Figure("a replica of monitoring", _UNIT, ours)
    facts = {"clients": clients, "devices": len(uids), "frames": frames}
    return Row(f"Socket.IO fan-out to {clients} clients", [ceiling, figure], [Aim(figure, 0.8, ceiling)], facts)


async def _organization(platform: Platform, token: str) -> int:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http:
        me = await http.get(f"{platform.info['gateway']}/api/v2/auth/me")
    return me.raise_for_status().json()["organization"]["id"]


@asynccontextmanager
async def _bare_server() -> AsyncGenerator[int]:
    port = any_free()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bare_socketio", json.dumps({"port": port})
    )
    try:
        await eventually(lambda: is_listening(port), timeout=_START_S, why="a bare python-socketio server")
        yield port
    finally:
        process.terminate()
        await process.wait()
