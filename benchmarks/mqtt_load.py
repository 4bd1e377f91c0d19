"""Publishes telemetry as devices do: QoS 1 over a connection each, so many messages under way on each."""

import asyncio
import time
from collections.abc import Mapping
from itertools import islice
from uuid import uuid4

from benchmarks import child, samples
from muster_cli.mqtt.connection import MqttConnection
from muster_cli.mqtt.packets import Will

_UNDER_WAY = 25
_PATIENCE_S = 180


async def publish(host: str, port: int, tokens: Mapping[str, str], count: int) -> dict[str, float]:
    """`count` messages from the devices that `tokens` names; `began` and `confirmed` are seconds since 1970."""
    uids = list(tokens)
    stream = samples.messages(uids, count, boot=uuid4().hex[:12])
    waiting: dict[str, list[bytes]] = {uid: [] for uid in uids}
    for key, body in stream:
        waiting[key.split(".")[1]].append(body)
    async with asyncio.timeout(_PATIENCE_S):
        connections = {uid: await _connected(host, port, uid, token) for uid, token in tokens.items()}
        began = time.time()
        await asyncio.gather(*(_send(connections[uid], uid, bodies) for uid, bodies in waiting.items()))
        confirmed = time.time()
        await asyncio.gather(*(connection.close() for connection in connections.values()))
    return {"began": began, "confirmed": confirmed}


async def _connected(host: str, port: int, uid: str, token: str) -> MqttConnection:
    connection = MqttConnection(on_lost=lambda: None)
    await connection.open(host, port, uid=uid, token=token, will=Will(f"devices/{uid}/status", b'{"online":false}'))
    return connection


async def _send(connection: MqttConnection, uid: str, bodies: list[bytes]) -> None:
    topic = f"devices/{uid}/telemetry"
    remaining = iter(bodies)
    while window := list(islice(remaining, _UNDER_WAY)):
        await asyncio.gather(*(connection.publish(topic, body) for body in window))


if __name__ == "__main__":
    child.main(publish)
