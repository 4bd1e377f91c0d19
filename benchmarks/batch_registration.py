"""Registering 10,000 devices in one call, beside one bare `insert ... select unnest` of the same rows.

The call is timed from outside: HTTP, JSON, checks, events in the outbox and entries in the audit log included. What is
sent is made beforehand, the arrays of the bare insert and the body of the call alike. Both take turns on the platform's
own PostgreSQL, the bare insert before the call and after it. Each begins when the platform has nothing left to do, on
tables without dead rows and right after a checkpoint: neither pays for what the other left.
"""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx

from benchmarks.figures import Aim, Figure, Row
from benchmarks.idle import idle
from benchmarks.platform import Platform

_UNIT = "devices/s"
_DATABASE = "device_management"

_BARE = """
    insert into devices (
        device_uid, organization_id, name, device_type, serial_number, hardware_version, lifecycle, reported_status,
        updates_enabled, attributes, tags, presence_version, installed_counter, min_token_generation, version, revision,
        registered_at, updated_at
    )
    select uid, $1, name, type, serial, hardware, 'in_stock', 'idle', true, '{}', '{}', 0, 0, 1, 1, 1, $7, $7
    from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as given (uid, name, type, serial, hardware)
    returning id
"""


_WARM_UPS = 2


async def measure(platform: Platform, *, count: int, rounds: int) -> Row:
    rates: dict[str, list[float]] = {"bare insert ... select unnest": [], "POST /api/v2/devices/batch": []}
    headers = {"Authorization": f"Bearer {platform.access_token()}", "Content-Type": "application/json"}
    sql = await asyncpg.connect(f"{platform.info['postgres']}/{_DATABASE}")
    async with (
        _without_autovacuum(sql),
        httpx.AsyncClient(
            base_url=platform.info["device_management"], headers=headers, trust_env=False, timeout=60
        ) as http,
    ):
        organization_id = (await http.get("/api/v2/auth/me")).raise_for_status().json()["organization"]["id"]
        for number in range(_WARM_UPS + rounds):
            before = await _insert(platform, sql, _devices(f"bare{number}", organization_id, count))
            called = await _call(platform, sql, http, _devices(f"call{number}", organization_id, count))
            after = await _insert(platform, sql, _devices(f"bare{number}", organization_id, count))
            if number >= _WARM_UPS:
                rates["bare insert ... select unnest"].append(2 * count / (before + after))
                rates["POST /api/v2/devices/batch"].append(count / called)
    await sql.close()
    ceiling, batch = (Figure(name, _UNIT, samples) for name, samples in rates.items())
    return Row("Batch registration", [ceiling, batch], [Aim(batch, 0.4, ceiling)], {"devices": count})


@asynccontextmanager
async def _without_autovacuum(sql: asyncpg.Connection) -> AsyncGenerator[None]:
    """It comes when it likes; `_settled` does its work between the rounds."""
    await sql.execute("alter system set autovacuum = off")
    await sql.execute("select pg_reload_conf()")
    try:
        yield
    finally:
        await sql.execute("alter system reset autovacuum")
        await sql.execute("select pg_reload_conf()")


async def _settled(platform: Platform, sql: asyncpg.Connection) -> None:
    await idle(platform)
    for statement in ("vacuum analyze devices", "vacuum audit_entries", "vacuum outbox", "checkpoint"):
        await sql.execute(statement)


def _devices(prefix: str, organization_id: int, count: int) -> list[dict[str, Any]]:
    return [
        {
            "device_uid": f"batch-{prefix}-{number:05}",
            "organization_id": organization_id,
            "name": f"Pump {number}",
            "device_type": "pump",
            "serial_number": f"SN{number:08}",
            "hardware_version": "v1.0",
        }
        for number in range(count)
    ]


async def _call(
    platform: Platform, sql: asyncpg.Connection, http: httpx.AsyncClient, devices: list[dict[str, Any]]
) -> float:
    """Seconds."""
    body = json.dumps(devices).encode()
    await _settled(platform, sql)
    began = time.perf_counter()
    answer = await http.post("/api/v2/devices/batch", content=body)
    took = time.perf_counter() - began
    assert answer.status_code == 201, answer.text[:500]
    return took


async def _insert(platform: Platform, sql: asyncpg.Connection, devices: list[dict[str, Any]]) -> float:
    """Seconds. What it stores is taken away again, for nobody has been told of it."""
    names = ("device_uid", "name", "device_type", "serial_number", "hardware_version")
    columns = [[device[name] for device in devices] for name in names]
    await _settled(platform, sql)
    began = time.perf_counter()
    await sql.fetch(_BARE, devices[0]["organization_id"], *columns, datetime.now(UTC))
    took = time.perf_counter() - began
    await sql.execute("delete from devices where device_uid = any($1::text[])", columns[0])
    return took
