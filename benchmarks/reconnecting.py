"""Holds a connection over MQTT for each of many devices, cuts all of them, and brings them back."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from benchmarks import child
from muster_cli.mqtt.connection import MqttConnection, MqttError
from muster_cli.mqtt.packets import Will
from muster_cli.simulator.fleet import allow_open_files
from shared.mongo import client
from shared.outbox.documents import OUTBOX_FIELD
from shared.testing import eventually

_DATABASE = "monitoring"
_LOGINS_AT_ONCE = 50
_PATIENCE_S = 500.0
_LOOK_S = 2.0
"""A look at 10,000 devices costs the store 0.2 s, so there is none before all have signed in."""


class _Fleet:
    """`tried_again` counts logins that the broker did not take at once, `lost` connections that it ended itself.

    It ends one when a login that a device has given up is carried out after the next one.
    """

    def __init__(self, host: str, port: int, tokens: Mapping[str, str]) -> None:
        self._host = host
        self._port = port
        self._tokens = tokens
        self._turns = asyncio.Semaphore(_LOGINS_AT_ONCE)
        self._connections: dict[str, MqttConnection] = {}
        self._returning: set[asyncio.Task[None]] = set()
        self.tried_again = 0
        self.lost = 0

    async def connect(self, *, within_s: float) -> None:
        """Every device at a moment of its own, and again a second or two later as long as it is not let in."""

        async def connect(uid: str) -> None:
            await asyncio.sleep(random.uniform(0, within_s))  # noqa: S311 - spreads the logins
            await self._return(uid)

        await asyncio.gather(*(connect(uid) for uid in self._tokens))

    async def _return(self, uid: str) -> None:
        while not await self._login(uid):
            self.tried_again += 1
            await asyncio.sleep(random.uniform(1, 2))  # noqa: S311 - spreads the logins

    async def _login(self, uid: str) -> bool:
        connection = MqttConnection(on_lost=lambda: self._lost(uid, connection))
        will = Will(f"devices/{uid}/status", b'{"online":false}')
        try:
            async with self._turns:
                await connection.open(self._host, self._port, uid=uid, token=self._tokens[uid], will=will)
        except MqttError:
            return False
        self._connections[uid] = connection
        return True

    def _lost(self, uid: str, connection: MqttConnection) -> None:
        if self._connections.get(uid) is connection:
            del self._connections[uid]
            self.lost += 1
            task = asyncio.create_task(self._return(uid))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)

    def cut(self) -> None:
        connections, self._connections = self._connections, {}
        for connection in connections.values():
            connection.cut()


async def reconnect(host: str, port: int, credentials: str, mongodb: str, spread_s: float) -> dict[str, float]:
    """Seconds from the cut until presence has all of them with a newer connection (`back_s`), and until all is told."""
    tokens: dict[str, str] = json.loads(await asyncio.to_thread(Path(credentials).read_text))
    allow_open_files(len(tokens))
    fleet = _Fleet(host, port, tokens)
    async with asyncio.timeout(_PATIENCE_S), client.open(mongodb, _DATABASE) as database:
        presence = database["presence"]

        def online_since(moment_ms: int) -> Callable[[], Awaitable[bool]]:
            newer = {
                "_id": {"$gte": min(tokens), "$lte": max(tokens)},
                "online": True,
                "connection.connected_at": {"$gte": moment_ms},
            }

            async def all_there() -> bool:
                return await presence.count_documents(newer) == len(tokens)

            return all_there

        async def all_told() -> bool:
            return await presence.count_documents({f"{OUTBOX_FIELD}.id": {"$exists": True}}) == 0

        await fleet.connect(within_s=len(tokens) / 300)
        await eventually(online_since(0), timeout=_PATIENCE_S, interval=_LOOK_S, why="all devices are online")
        await eventually(all_told, timeout=_PATIENCE_S, interval=_LOOK_S, why="that is told")
        fleet.tried_again = fleet.lost = 0
        began, began_ms = time.perf_counter(), time.time_ns() // 1_000_000
        fleet.cut()
        await fleet.connect(within_s=spread_s)
        await eventually(online_since(began_ms), timeout=_PATIENCE_S, interval=_LOOK_S, why="all devices are back")
        back_s = time.perf_counter() - began
        await eventually(all_told, timeout=_PATIENCE_S, interval=_LOOK_S, why="all events are told")
        told_s = time.perf_counter() - began
        fleet.cut()
    return {"back_s": back_s, "told_s": told_s, "tried_again": fleet.tried_again, "lost": fleet.lost}


if __name__ == "__main__":
    child.main(reconnect)
