"""A batch of updates from its start to the last open session with its event published, against the same, bare.

Bare are the inserts of the same rows into tables of the same shape, a thousand at a time with a commit each, and after
them the confirmed publishing of the same events.
"""

import asyncio
import time
from uuid import uuid4

import aiormq
import asyncpg
import httpx
from aiormq import spec

from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import Platform
from shared.messaging.publisher import WINDOW
from shared.testing import eventually

_DATABASE = "ota_service"
_CHUNK = 1_000
_REGISTERED_AT_ONCE = 5_000
_PATIENCE_S = 600.0
_UNIT = "devices/s"
_BATCHES = "/api/v2/updates/batches"

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


async def measure(platform: Platform, *, count: int, rounds: int) -> Row:
    place = f"bench-{uuid4().hex[:8]}"
    headers = {"Authorization": f"Bearer {platform.access_token()}"}
    bare: list[float] = []
    opened: list[float] = []
    sql = await asyncpg.connect(f"{platform.info['postgres']}/{_DATABASE}")
    async with httpx.AsyncClient(
        base_url=platform.info["gateway"], headers=headers, timeout=120, trust_env=False
    ) as client:
        await _register(client, sql, place, count)
        firmware_id = await _firmware(client, place)
        for number in range(rounds):
            batch, seconds = await _open(client, sql, firmware_id, place, count)
            opened.append(count / seconds)
            bare.append(count / await _bare(platform.info["amqp"], sql, batch))
            await _end(client, sql, batch, last=number == rounds - 1)
    await sql.close()
    ceiling = Figure("the same inserts and publishes, bare", _UNIT, bare)
    figure = Figure("batch started to last session open and told", _UNIT, opened)
    return Row(
        f"Batch of updates of {count:,} devices", [ceiling, figure], [Aim(figure, 0.4, ceiling)], {"devices": count}
    )


async def _register(client: httpx.AsyncClient, sql: asyncpg.Connection, place: str, count: int) -> None:
    """Returns once ota-service's copy has all of them."""
    me = (await client.get("/api/v2/auth/me")).raise_for_status().json()
    organization_id = me["organization"]["id"]
    devices = [
        {"device_uid": f"{place}-{number}", "organization_id": organization_id, "attributes": {"place": place}}
        for number in range(count)
    ]
    for start in range(0, count, _REGISTERED_AT_ONCE):
        answer = await client.post("/api/v2/devices/batch", json=devices[start : start + _REGISTERED_AT_ONCE])
        answer.raise_for_status()

    async def copied() -> bool:
        return (
            await sql.fetchval("select count(*) from fleet_devices where attributes ->> 'place' = $1", place) == count
        )

    await eventually(copied, timeout=_PATIENCE_S, interval=0.5)


async def _firmware(client: httpx.AsyncClient, name: str) -> int:
    answer = await client.post("/api/v2/firmware", files={"file": b"image"}, data={"name": name, "version": "1"})
    firmware_id = answer.raise_for_status().json()["id"]
    (await client.post(f"/api/v2/firmware/{firmware_id}/approve")).raise_for_status()
    return firmware_id


async def _open(
    client: httpx.AsyncClient, sql: asyncpg.Connection, firmware_id: int, place: str, count: int
) -> tuple[int, float]:
    """The batch, and the seconds from its start to the last open session with its event published."""
    query = f'eq(attributes/place,"{place}")'
    body = {"name": place, "firmware_id": firmware_id, "rql": query, "start_at": "2099-01-01T00:00:00Z"}
    batch = (await client.post(_BATCHES, json=body)).raise_for_status().json()["id"]

    async def chosen() -> bool:
        return await sql.fetchval(
            "select chosen_to is null and pending = $2 from update_batches where id = $1", batch, count
        )

    async def told() -> bool:
        initiated = await sql.fetchval("select initiated from update_batches where id = $1", batch)
        return initiated == count and not await sql.fetchval(
            "select exists (select from outbox where sent_at is null and type = 'update_session.initiated.v1')"
        )

    await eventually(chosen, timeout=_PATIENCE_S)
    began = time.perf_counter()
    (await client.post(f"{_BATCHES}/{batch}/start")).raise_for_status()
    await eventually(told, timeout=_PATIENCE_S, interval=0.05)
    return batch, time.perf_counter() - began


async def _bare(amqp_url: str, sql: asyncpg.Connection, batch: int) -> float:
    """Seconds for the same rows and the same events."""
    for table in _TABLES:
        await sql.execute(f"drop table if exists bare_{table}")
        await sql.execute(f"create table bare_{table} (like {table} including all)")
    rows = await sql.fetch("select session_id from batch_devices where batch_id = $1 order by device_uid", batch)
    ids = [row["session_id"] for row in rows]
    bodies = [row["payload"].encode() for row in await sql.fetch(_TABLES["outbox"], ids)]
    began = time.perf_counter()
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        async with sql.transaction():
            for table, query in _TABLES.items():
                await sql.execute(f"insert into bare_{table} overriding system value {query}", some)
    await _publish(amqp_url, bodies)
    took = time.perf_counter() - began
    for table in _TABLES:
        await sql.execute(f"drop table bare_{table}")
    return took


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


async def _end(client: httpx.AsyncClient, sql: asyncpg.Connection, batch: int, *, last: bool) -> None:
    """Frees the devices for the next round."""
    if last:
        return
    (await client.post(f"{_BATCHES}/{batch}/cancel")).raise_for_status()

    async def free() -> bool:
        left = await sql.fetchval("select initiated from update_batches where id = $1", batch)
        return left == 0 and not await sql.fetchval("select exists (select from outbox where sent_at is null)")

    await eventually(free, timeout=_PATIENCE_S, interval=0.5)
