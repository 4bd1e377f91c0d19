"""Devices that are updated for the measurement: how they are registered, given an update and set free again."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import aiormq
import asyncpg
import httpx
from aiormq import spec

from benchmarks.platform import Platform
from shared.messaging.publisher import WINDOW
from shared.testing import eventually

PATIENCE_S = 600.0
BATCHES = "/api/v2/updates/batches"

_DATABASE = "ota_service"
_CHUNK = 1_000
_REGISTERED_AT_ONCE = 5_000

_TABLES = {
    "update_sessions": "select * from update_sessions where id = any($1)",
    "update_session_parts": "select * from update_session_parts where session_id = any($1)",
    "session_reports": "select * from session_reports where session_id = any($1)",
    "device_commands": "select * from device_commands where command_id = any($1)",
    "batch_devices": "select * from batch_devices where session_id = any($1)",
    "outbox": """
        select * from outbox
        where subject = any(select 'update_session/' || id from unnest($1::uuid[]) id)
            and type = 'update_session.initiated.v1'
    """,
}
"""What opening sessions writes, by their ids."""

_OPEN = """
    select exists (
        select from update_sessions where device_uid like $1 || '-%'
            and state in ('held', 'initiated', 'acknowledged', 'downloading', 'flashed', 'cancelling')
    )
"""
"""By the index of open sessions alone: this is asked again and again while 100,000 of them end."""


@dataclass(frozen=True)
class UpdateFleet:
    """`count` devices whose attribute `place` is this one, and the number among them as `number`."""

    client: httpx.AsyncClient
    sql: asyncpg.Connection
    amqp_url: str
    place: str
    count: int
    firmware_id: int

    async def seconds_to_open(self, start: str, initiated: Callable[[], Awaitable[int | None]], count: int) -> float:
        """From this call to the last of `count` open sessions with its event confirmed by the broker."""

        async def told() -> bool:
            return await initiated() == count and not await self.sql.fetchval(
                "select exists (select from outbox where sent_at is null and type = 'update_session.initiated.v1')"
            )

        began = time.perf_counter()
        (await self.client.post(start)).raise_for_status()
        await eventually(told, timeout=PATIENCE_S, interval=0.05)
        return time.perf_counter() - began

    async def seconds_bare(self, batch_ids: list[int]) -> float:
        """For the same rows in tables of the same shape, a thousand at a time, and the same events."""
        for table in _TABLES:
            await self.sql.execute(f"drop table if exists bare_{table}")
            await self.sql.execute(f"create table bare_{table} (like {table} including all)")
        query = "select session_id from batch_devices where batch_id = any($1) order by batch_id, device_uid"
        ids = [row["session_id"] for row in await self.sql.fetch(query, batch_ids)]
        bodies = [row["payload"].encode() for row in await self.sql.fetch(_TABLES["outbox"], ids)]
        began = time.perf_counter()
        for start in range(0, len(ids), _CHUNK):
            some = ids[start : start + _CHUNK]
            async with self.sql.transaction():
                for table, query in _TABLES.items():
                    await self.sql.execute(f"insert into bare_{table} overriding system value {query}", some)
        await _publish(self.amqp_url, bodies)
        took = time.perf_counter() - began
        for table in _TABLES:
            await self.sql.execute(f"drop table bare_{table}")
        return took

    async def end(self, cancel: str) -> None:
        """Frees the devices for what comes next."""
        (await self.client.post(cancel)).raise_for_status()

        async def free() -> bool:
            return not await self.sql.fetchval(_OPEN, self.place) and not await self.sql.fetchval(
                "select exists (select from outbox where sent_at is null)"
            )

        await eventually(free, timeout=PATIENCE_S, interval=0.5)


@asynccontextmanager
async def registered(platform: Platform, count: int) -> AsyncGenerator[UpdateFleet]:
    """Returns once ota-service's copy has all of them."""
    place = f"bench-{uuid4().hex[:8]}"
    headers = {"Authorization": f"Bearer {platform.access_token()}"}
    sql = await asyncpg.connect(f"{platform.info['postgres']}/{_DATABASE}")
    async with httpx.AsyncClient(
        base_url=platform.info["gateway"], headers=headers, timeout=120, trust_env=False
    ) as client:
        await _register(client, sql, place, count)
        firmware_id = await firmware(client, place, b"image")
        yield UpdateFleet(client, sql, platform.info["amqp"], place, count, firmware_id)
    await sql.close()


async def _register(client: httpx.AsyncClient, sql: asyncpg.Connection, place: str, count: int) -> None:
    me = (await client.get("/api/v2/auth/me")).raise_for_status().json()
    organization_id = me["organization"]["id"]
    devices = [
        {
            "device_uid": f"{place}-{number:06}",
            "organization_id": organization_id,
            "attributes": {"place": place, "number": number},
        }
        for number in range(count)
    ]
    for start in range(0, count, _REGISTERED_AT_ONCE):
        answer = await client.post("/api/v2/devices/batch", json=devices[start : start + _REGISTERED_AT_ONCE])
        answer.raise_for_status()

    async def copied() -> bool:
        return (
            await sql.fetchval("select count(*) from fleet_devices where attributes ->> 'place' = $1", place) == count
        )

    await eventually(copied, timeout=PATIENCE_S, interval=0.5)


async def firmware(client: httpx.AsyncClient, name: str, image: bytes) -> int:
    """The id of firmware that is approved."""
    answer = await client.post("/api/v2/firmware", files={"file": image}, data={"name": name, "version": "1"})
    firmware_id = answer.raise_for_status().json()["id"]
    (await client.post(f"/api/v2/firmware/{firmware_id}/approve")).raise_for_status()
    return firmware_id


async def _publish(url: str, bodies: list[bytes]) -> None:
    """Persistent and confirmed in windows, by a bare channel, to a queue that nobody reads."""
    async with aiormq.connect(url) as connection:
        channel = await connection.channel()
        queue = (await channel.queue_declare(arguments={"x-queue-type": "classic"}, exclusive=True)).queue or ""
        properties = spec.Basic.Properties(delivery_mode=2)
        for start in range(0, len(bodies), WINDOW):
            await asyncio.gather(
                *(
                    channel.basic_publish(body, routing_key=queue, mandatory=True, properties=properties)
                    for body in bodies[start : start + WINDOW]
                )
            )
