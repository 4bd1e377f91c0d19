"""What others than the senders say of telemetry: the broker of its queues, the worker and the store of what came."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import aiormq
import httpx
from aiormq.abc import DeliveredMessage

from muster_stack.addresses import resolve
from muster_stack.credentials import Credentials
from muster_stack.ports import LOOPBACK, Ports
from muster_stack.stack import Stack
from shared.messaging.topology import TELEMETRY_QUEUE, dead_letters_of
from shared.testing import eventually

_COUNTED = re.compile(r'^muster_telemetry_(messages|samples)_total{outcome="(\w+)"} (\S+)$', re.MULTILINE)
_ACCOUNTED = ("messages", "received", "stored", "duplicate", "expired", "dead")
_DEAD = dead_letters_of(TELEMETRY_QUEUE)
_STOOD_STILL_S = 6.0


@dataclass(frozen=True)
class Broker:
    """RabbitMQ's own count of what was published to the telemetry queue since it started, and what is left there."""

    published: int
    left: int

    @classmethod
    async def read(cls, stack: Stack) -> "Broker":
        """Up to some seconds old; of a connection that goes on publishing, up to a minute."""
        address = resolve(Ports(stack.layout.ports), Credentials.keep(stack.layout.credentials, {}), {})
        async with httpx.AsyncClient(base_url=address.broker_admin, trust_env=False, timeout=60) as management:
            queue: dict[str, Any] = (
                (await management.get(f"/api/queues/%2F/{TELEMETRY_QUEUE}")).raise_for_status().json()
            )
        return cls(queue.get("message_stats", {}).get("publish", 0), queue.get("messages", 0))


async def settled(stack: Stack) -> Broker:
    """The broker's count when it has stood still for longer than the 5 s after which it counts again."""
    seen, since = await Broker.read(stack), time.monotonic()

    async def still() -> bool:
        nonlocal seen, since
        now = await Broker.read(stack)
        if now != seen or now.left:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > _STOOD_STILL_S

    await eventually(still, interval=0.5, why="nothing is published any more")
    return seen


async def worker_counted(stack: Stack) -> Counter[str]:
    """`messages.received`, `messages.dead`, `samples.stored` ...: what one life of the worker has counted."""
    port = Ports(stack.layout.ports)["monitoring-worker"]
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        metrics = (await client.get(f"http://{LOOPBACK}:{port}/metrics")).raise_for_status().text
    return Counter({f"{what}.{outcome}": int(float(count)) for what, outcome, count in _COUNTED.findall(metrics)})


async def platform_accounts(people: httpx.AsyncClient, uids: Iterable[str]) -> dict[str, Counter[str]]:
    """By device, what monitoring answers for: `messages`, `received`, `stored`, `duplicate`, `expired`, `dead`."""
    accounts: dict[str, Counter[str]] = {}
    for uid in uids:
        answer = await people.get("/api/v2/telemetry/accounting", params={"device_uid": uid})
        total = answer.raise_for_status().json()["total"]
        accounts[uid] = Counter({name: total[name] for name in _ACCOUNTED})
    return accounts


async def dead_letters(stack: Stack) -> Counter[bytes]:
    """The bodies that lie among the dead letters of telemetry; they stay there."""
    found: Counter[bytes] = Counter()
    async with aiormq.connect(stack.info["amqp"]) as connection:
        channel = await connection.channel()
        waiting = (await channel.queue_declare(_DEAD, passive=True)).message_count or 0
        all_read = asyncio.Event()

        async def take(message: DeliveredMessage) -> None:
            found[message.body] += 1
            if found.total() >= waiting:
                all_read.set()

        if waiting:
            await channel.basic_consume(_DEAD, take)
            await asyncio.wait_for(all_read.wait(), 60)
    return found
