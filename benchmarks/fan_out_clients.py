"""Clients that all watch the same devices, and the frames that make the server talk to them, a few at a time.

The next frame goes out when the clients have what is due, so that nothing piles up anywhere and the rate is the
server's. Frames of one device follow each other so slowly that a room's interval never holds one back.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiormq
from aiormq import spec

from benchmarks import child
from benchmarks.live_client import LiveClient
from shared.contracts.routes import LIVE_EXCHANGE, live_key

_UNDER_WAY = 4
_PATIENCE_S = 120.0
_AT_ONCE = 25

Say = Callable[[dict[str, Any]], Awaitable[None]]


async def fan_out(
    host: str,
    port: int,
    clients: int,
    uids: Sequence[str],
    frames: int,
    token: str,
    amqp: str | None,
    organization: int,
) -> float:
    """Deliveries a second. Frames come over `amqp`, or with None by a client's word to the bare server."""
    arrived = 0
    news = asyncio.Event()

    def count(_event: bytes) -> None:
        nonlocal arrived
        arrived += 1
        if arrived % clients == 0:
            news.set()

    everybody = [LiveClient(count) for _ in range(clients)]
    speaker = LiveClient(lambda _event: None)
    async with asyncio.timeout(_PATIENCE_S), _voice(speaker, host, port, amqp, organization) as say:
        for start in range(0, clients, _AT_ONCE):
            await asyncio.gather(*(_join(one, host, port, token, uids) for one in everybody[start : start + _AT_ONCE]))
        arrived = 0
        begun = time.perf_counter()
        for number in range(frames):
            await say({"items": [_item(uids[number % len(uids)], number)]})
            while (number + 1) * clients - arrived >= _UNDER_WAY * clients:
                news.clear()
                await news.wait()
        while arrived < frames * clients:
            news.clear()
            await news.wait()
        seconds = time.perf_counter() - begun
    for one in everybody:
        one.close()
    return frames * clients / seconds


async def _join(client: LiveClient, host: str, port: int, token: str, uids: Sequence[str]) -> None:
    await client.open(host, port, {"token": token})
    answer = await client.call("subscribe", {"devices": list(uids), "topics": ["telemetry"]})
    if not answer["ok"]:
        raise RuntimeError(f"subscribing was refused: {answer['error']}")


@asynccontextmanager
async def _voice(speaker: LiveClient, host: str, port: int, amqp: str | None, organization: int) -> AsyncGenerator[Say]:
    if amqp is None:
        await speaker.open(host, port, {})

        async def emit(frame: dict[str, Any]) -> None:
            speaker.emit("frame", frame)

        yield emit
        speaker.close()
        return
    async with aiormq.connect(amqp) as connection:
        channel = await connection.channel(publisher_confirms=False)

        async def publish(frame: dict[str, Any]) -> None:
            body = json.dumps({"type": "telemetry", "organization_id": organization, **frame}).encode()
            await channel.basic_publish(
                body,
                exchange=LIVE_EXCHANGE,
                routing_key=live_key(organization),
                properties=spec.Basic.Properties(delivery_mode=1),
            )

        yield publish


def _item(uid: str, number: int) -> dict[str, Any]:
    now = time.time_ns() // 1_000_000
    return {"device_uid": uid, "ts": now + number, "metrics": {"temperature": 20.0 + number % 5}}


if __name__ == "__main__":
    child.main(fan_out)
