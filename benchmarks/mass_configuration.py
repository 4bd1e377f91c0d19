"""Mass configuration of a fleet whose replies come at once, against bare publishing and against Temporal.

One queue takes the commands of every device and answers each of them, so that all devices are there. A round begins
when the platform has nothing left to do: what follows a registration or the round before is not measured with it.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast
from uuid import uuid4

import aiormq
import httpx
import msgspec
from aiormq import spec
from aiormq.abc import AbstractChannel, ChannelFrame, DeliveredMessage
from aiormq.channel import Channel

from benchmarks import temporal
from benchmarks.figures import Aim, Figure, Row
from benchmarks.idle import idle
from benchmarks.platform import Platform
from shared.contracts.routes import DEVICES_EXCHANGE, device_key
from shared.messaging.connection import Broker, reception_of
from shared.messaging.deliveries import Delivery
from shared.messaging.messages import Message, frames
from shared.messaging.publisher import WINDOW
from shared.testing import eventually

_REGISTERED_AT_ONCE = 5_000
_BY_TEMPORAL = 500
"""Its development server takes minutes for ten thousand; its rate does not depend on how many there are."""
_PATIENCE_S = 300.0
_LOOK_S = 0.1
_ANSWERED_TOGETHER_S = 0.01
_UNIT = "devices/s"
_WORKER = "device-management-worker"
_PUBLISHED = "muster_messages_published_total"
_CONFIRMED = re.compile(
    rf'^{_PUBLISHED}{{exchange="{re.escape(DEVICES_EXCHANGE)}",outcome="confirmed"}} (\S+)',
    re.MULTILINE,
)


async def measure(platform: Platform, *, count: int, rounds: int) -> Row:
    """Devices a second: until the broker has confirmed the last command, until it has come, and until all is over."""
    place = f"bench-{uuid4().hex[:8]}"
    headers = {"Authorization": f"Bearer {platform.access_token()}"}
    bare: list[float] = []
    confirmed: list[float] = []
    asked: list[float] = []
    completed: list[float] = []
    durable: list[float] = []
    few = min(count, _BY_TEMPORAL)
    async with (
        httpx.AsyncClient(base_url=platform.info["gateway"], headers=headers, timeout=60, trust_env=False) as client,
        _Fleet.connected(platform.info["amqp"]) as fleet,
    ):
        await _register(client, place, count)
        for number in range(rounds):
            await idle(platform)
            body = json.dumps(
                {"id": str(uuid4()), "type": "configuration_change", "params": {"configuration": {"round": number}}}
            ).encode()
            bare.append(await _publish_bare(platform.info["amqp"], body, count))
            sent, arrived, ended = await _configure(platform, client, fleet, place, number, count)
            confirmed.append(count / sent)
            asked.append(count / arrived)
            completed.append(count / ended)
            durable.append(few / await temporal.seconds_for(few))
    ceiling = Figure("bare confirmed publishing", _UNIT, bare)
    figure = Figure("job accepted to last command confirmed", _UNIT, confirmed)
    received = Figure("job accepted to last device asked", _UNIT, asked)
    whole = Figure("job accepted to last outcome known", _UNIT, completed)
    reference = Figure("Temporal, a workflow with one activity each", _UNIT, durable)
    return Row(
        f"Mass configuration of {count:,} devices",
        [ceiling, figure, received, whole, reference],
        [Aim(figure, 0.5, ceiling), Aim(whole, 1.0, reference)],
        {"devices": count, "by Temporal": few},
    )


async def _register(client: httpx.AsyncClient, place: str, count: int) -> None:
    me = (await client.get("/api/v2/auth/me")).raise_for_status().json()
    devices = [
        {
            "device_uid": f"{place}-{number}",
            "organization_id": me["organization"]["id"],
            "attributes": {"place": place},
        }
        for number in range(count)
    ]
    for start in range(0, count, _REGISTERED_AT_ONCE):
        answer = await client.post("/api/v2/devices/batch", json=devices[start : start + _REGISTERED_AT_ONCE])
        answer.raise_for_status()


async def _configure(
    platform: Platform, client: httpx.AsyncClient, fleet: "_Fleet", place: str, number: int, count: int
) -> tuple[float, float, float]:
    """Seconds from the answer 202 until the last confirm, until the last device is asked, until the job has ended."""
    fleet.expect(count)
    confirmed = await _confirmed(client, platform) + count
    query = f'eq(attributes/place,"{place}")'
    body = {"rql": query, "params": {"round": number}, "concurrency": count}
    job = (await client.post("/api/v2/configuration/jobs", json=body)).raise_for_status().json()
    began = time.perf_counter()

    async def all_confirmed() -> bool:
        return await _confirmed(client, platform) >= confirmed

    async def seconds_until_confirmed() -> float:
        await eventually(all_confirmed, timeout=_PATIENCE_S, interval=_LOOK_S)
        return time.perf_counter() - began

    async def seconds_until_asked() -> float:
        await fleet.all_asked.wait()
        return time.perf_counter() - began

    async with asyncio.timeout(_PATIENCE_S):
        sent, asked = await asyncio.gather(seconds_until_confirmed(), seconds_until_asked())
        await eventually(lambda: _has_ended(client, job["id"]), timeout=_PATIENCE_S, interval=_LOOK_S)
    return sent, asked, time.perf_counter() - began


async def _confirmed(client: httpx.AsyncClient, platform: Platform) -> float:
    """Commands that the broker has confirmed since the worker began."""
    answer = await client.get(platform.metrics_url(_WORKER), params={"name[]": _PUBLISHED})
    found = _CONFIRMED.search(answer.raise_for_status().text)
    return float(found[1]) if found else 0.0


async def _has_ended(client: httpx.AsyncClient, job: str) -> bool:
    state = (await client.get(f"/api/v2/configuration/jobs/{job}")).raise_for_status().json()
    if state["state"] == "completed" and state["counts"]["succeeded"] != state["total"]:
        raise RuntimeError(f"not all succeeded: {state['counts']}")
    return state["state"] == "completed"


async def _publish_bare(url: str, body: bytes, count: int) -> float:
    """The same messages, persistent and confirmed in windows, by a bare channel, to a queue that nobody reads."""
    async with aiormq.connect(url) as connection:
        channel = await connection.channel()
        queue = (await channel.queue_declare(arguments={"x-queue-type": "classic"}, exclusive=True)).queue or ""
        begun = time.perf_counter()
        for start in range(0, count, WINDOW):
            await asyncio.gather(
                *(
                    channel.basic_publish(
                        body, routing_key=queue, mandatory=True, properties=spec.Basic.Properties(delivery_mode=2)
                    )
                    for _ in range(min(WINDOW, count - start))
                )
            )
        return count / (time.perf_counter() - begun)


class _Asked(msgspec.Struct):
    id: str


_read: msgspec.json.Decoder[_Asked] = msgspec.json.Decoder(_Asked)


class _Fleet:
    """Every device's commands are taken from one queue and answered soon, many in one piece, without confirms.

    A fleet has processors of its own; this one takes from the platform's as little as it can.
    """

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = cast("Channel", channel)
        self._answers = bytearray()
        self._asked: set[str] = set()
        self._expected = 0
        self.all_asked = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str) -> AsyncGenerator["_Fleet"]:
        async with Broker.open(url, name="fleet") as broker, broker.consuming.channel() as channel:
            queue = (await channel.queue_declare(exclusive=True)).queue or ""
            await channel.queue_bind(queue, DEVICES_EXCHANGE, "devices.*.commands")
            fleet = cls(channel)
            reception_of(channel).divert(channel.number, queue, fleet.take)
            await channel.basic_consume(queue, _nothing, no_ack=True, consumer_tag=queue)
            yield fleet

    def expect(self, count: int) -> None:
        """From now on `all_asked` waits for so many devices."""
        self._asked.clear()
        self._expected = count
        self.all_asked.clear()

    def take(self, command: Delivery) -> None:
        uid = command.routing_key.split(".")[1]
        self._asked.add(uid)
        if len(self._asked) == self._expected:
            self.all_asked.set()
        reply = b'{"id":"%b","state":"completed"}' % _read.decode(command.body).id.encode()
        answer = Message(DEVICES_EXCHANGE, device_key(uid, "replies"), reply, mandatory=False, persistent=False)
        if not self._answers:
            asyncio.get_running_loop().call_later(_ANSWERED_TOGETHER_S, self._answer)
        self._answers += frames(answer, "", channel=self._channel.number, most=self._channel.max_content_size)

    def _answer(self) -> None:
        written, self._answers = bytes(self._answers), bytearray()
        self._channel.write_queue.put_nowait(ChannelFrame(written, should_close=False))


async def _nothing(_message: DeliveredMessage) -> None:
    """aiormq sees no delivery: `reception_of` its connection has them."""
