"""Registering 10,000 devices in one call, beside one bare `insert ... select unnest` of the same rows.

The call is timed from outside: HTTP, JSON, checks, events in the outbox and entries in the audit log included. Both
take turns on the platform's own PostgreSQL, and each begins when the platform has nothing left to do.
"""

import time
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


async def measure(platform: Platform, *, count: int, rounds: int) -> Row:
    rates: dict[str, list[float]] = {"bare insert ... select unnest": [], "POST /api/v2/devices/batch": []}
    headers = {"Authorization": f"Bearer {platform.access_token()}"}
    sql = await asyncpg.connect(f"{platform.info['postgres']}/{_DATABASE}")
    async with httpx.AsyncClient(
        base_url=platform.info["device_management"], headers=headers, trust_env=False, timeout=60
    ) as http:
        organization_id = (await http.get("/api/v2/auth/me")).raise_for_status().json()["organization"]["id"]
        for number in range(rounds + 1):
            await idle(platform)
            bare = await _insert(sql, _devices(f"bare{number}", organization_id, count))
            called = await _call(http, _devices(f"call{number}", organization_id, count))
            if number:  # the first of each only warms up
                rates["bare insert ... select unnest"].append(count / bare)
                rates["POST /api/v2/devices/batch"].append(count / called)
    await sql.close()
    ceiling, batch = (Figure(name, _UNIT, samples) for name, samples in rates.items())
    return Row("Batch registration", [ceiling, batch], [Aim(batch, 0.4, ceiling)], {"devices": count})


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


async def _call(http: httpx.AsyncClient, devices: list[dict[str, Any]]) -> float:
    """Seconds."""
    began = time.perf_counter()
    answer = await http.post("/api/v2/devices/batch", json=devices)
    took = time.perf_counter() - began
    assert answer.status_code == 201, answer.text[:500]
    return took


async def _insert(sql: asyncpg.Connection, devices: list[dict[str, Any]]) -> float:
    """Seconds. What it stores is taken away again, for nobody has been told of it."""
    names = ("device_uid", "name", "device_type", "serial_number", "hardware_version")
    columns = [[device[name] for device in devices] for name in names]
    began = time.perf_counter()
    await sql.fetch(_BARE, devices[0]["organization_id"], *columns, datetime.now(UTC))
    took = time.perf_counter() - began
    await sql.execute("delete from devices where device_uid = any($1::text[])", columns[0])
    return took
