"""How much of a fleet one process simulates, beside as many bare sockets that send packets made beforehand.

The broker is one of its own that only confirms: what is measured is the devices. They sign in with the broker's own
users, and then each publishes its next sample as soon as the last one is confirmed.
"""

import asyncio
import base64
from hashlib import sha256
from typing import Any

import httpx

from benchmarks import child
from benchmarks.figures import Aim, Figure, Row
from muster_cli.simulator.fleet import allow_open_files
from muster_stack.throwaway import ThrowAway

_PASSWORD = "secret"  # noqa: S105 - of a broker that lives for a minute
_SALT = b"salt"
_PREFIX = "load"
_PERMISSIONS = {"configure": "^mqtt-", "write": "^(amq.topic|mqtt-)", "read": "^(amq.topic|mqtt-)"}
_UNIT = "messages/s"


async def measure(*, devices: int, seconds: float) -> Row:
    """`seconds` is how long messages are counted. The devices go before the sockets, which leave the broker work."""
    allow_open_files(devices)
    servers = ThrowAway()
    try:
        await asyncio.to_thread(servers.wait, "rabbitmq")
        await _let_in(servers.rabbitmq.management_url(), devices)
        settings = {
            "host": "127.0.0.1",
            "port": servers.rabbitmq.ports.mqtt,
            "prefix": _PREFIX,
            "password": _PASSWORD,
            "devices": devices,
            "seconds": seconds,
        }
        simulated = await child.run("simulated_devices", **settings)
        bare = await child.run("bare_devices", **settings)
    finally:
        await asyncio.to_thread(servers.close)

    def figure(name: str, unit: str, found: dict[str, Any], member: str) -> Figure:
        return Figure(name, unit, [found[member]])

    ceiling = figure("bare sockets", _UNIT, bare, "rate")
    rate = figure("simulated devices", _UNIT, simulated, "rate")
    memory = figure("memory a simulated device", "kB", simulated, "kilobytes_each")
    return Row(
        f"{devices:,} simulated devices in one process",
        [
            ceiling,
            rate,
            memory,
            figure("bare sockets, all signed in after", "s", bare, "connected_s"),
            figure("simulated devices, all signed in after", "s", simulated, "connected_s"),
            figure("simulated devices, all gone after", "s", simulated, "stopped_s"),
        ],
        [Aim(rate, 0.5, ceiling), Aim(memory, 12.0)],
        {"devices": devices, "seconds": seconds, "troubles": simulated["troubles"]},
    )


async def _let_in(management_url: str, devices: int) -> None:
    """As users that may use the topic exchange alone, with one and the same password."""
    hashed = base64.b64encode(_SALT + sha256(_SALT + _PASSWORD.encode()).digest()).decode()
    uids = [f"{_PREFIX}-{number:04d}" for number in range(1, devices + 1)]
    user = {"password_hash": hashed, "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ""}
    definitions = {
        "users": [{"name": uid, **user} for uid in uids],
        "permissions": [{"user": uid, "vhost": "/", **_PERMISSIONS} for uid in uids],
    }
    async with httpx.AsyncClient(base_url=management_url, timeout=300, trust_env=False) as client:
        (await client.post("/api/definitions", json=definitions)).raise_for_status()
