"""Copies of the fleet that lost everything are whole again after a resync, while traffic goes on."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import asyncpg
import httpx
import pymongo
import pytest

from muster_stack.stack import Stack
from shared.testing import eventually

pytestmark = pytest.mark.timeout(240)

FLEET = 3_000


@pytest.fixture
async def fleet(stack: Stack, people: httpx.AsyncClient) -> None:
    """A fleet of which the other services have never heard: copies of a device, made behind the service's back."""
    uid = f"quiet-{uuid4().hex[:8]}"
    (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
    connection = await asyncpg.connect(_postgres(stack, "device_management"))
    await connection.execute(
        """
        insert into devices
        select clone.* from devices as template, generate_series(1, $2::int) as n,
          lateral jsonb_populate_record(template, jsonb_build_object(
            'id', nextval(pg_get_serial_sequence('devices', 'id')), 'device_uid', $1::text || '-' || n
          )) as clone
        where template.device_uid = $1
        """,
        uid,
        FLEET,
    )
    await connection.close()


async def test_emptied_copies_are_whole_again_though_the_worker_dies_in_the_middle(
    stack: Stack, people: httpx.AsyncClient, load, fleet: None
):
    async with load(devices=5, per_second=100) as traffic:
        await traffic.reaches(100)
        await _empty_the_copies(stack)
        resync = (await people.post("/api/v2/devices/resync", json={"all": True})).json()
        registering = asyncio.create_task(_register_all_along(people))

        async def is_under_way() -> bool:
            return (await people.get(f"/api/v2/devices/resync/{resync['id']}")).json()["done"] > 0

        await eventually(is_under_way, timeout=30)
        stack.kill("device-management-worker")
        stack.start("device-management-worker")

        async def is_over() -> bool:
            return (await people.get(f"/api/v2/devices/resync/{resync['id']}")).json()["state"] == "completed"

        await eventually(is_over, timeout=90, interval=0.5, why="the resync completed")
        registering.cancel()
        with suppress(asyncio.CancelledError):
            await registering
        await traffic.reaches(100)
    wanted = await _devices(stack)

    async def are_whole() -> bool:
        return await _ota_copy(stack) == wanted and _monitoring_copy(stack) == wanted

    await eventually(are_whole, timeout=90, interval=0.5, why="both copies as the fleet is, with its versions")
    await traffic.all_stored_once()


async def _register_all_along(people: httpx.AsyncClient) -> None:
    while True:
        (await people.post("/api/v2/devices", json={})).raise_for_status()
        await asyncio.sleep(0.1)


async def _empty_the_copies(stack: Stack) -> None:
    connection = await asyncpg.connect(_postgres(stack, "ota_service"))
    await connection.execute("delete from fleet_devices")
    await connection.close()
    with pymongo.MongoClient(stack.info["mongodb"]) as client:
        client["monitoring"]["devices"].delete_many({})


async def _devices(stack: Stack) -> set[tuple[str, int]]:
    return await _rows(stack, "device_management", "select device_uid, version from devices")


async def _ota_copy(stack: Stack) -> set[tuple[str, int]]:
    return await _rows(stack, "ota_service", "select device_uid, version from fleet_devices")


def _monitoring_copy(stack: Stack) -> set[tuple[str, int]]:
    with pymongo.MongoClient(stack.info["mongodb"]) as client:
        return {(device["_id"], device["version"]) for device in client["monitoring"]["devices"].find({})}


async def _rows(stack: Stack, database: str, query: str) -> set[tuple[str, int]]:
    connection = await asyncpg.connect(_postgres(stack, database))
    try:
        return {(row["device_uid"], row["version"]) for row in await connection.fetch(query)}
    finally:
        await connection.close()


def _postgres(stack: Stack, database: str) -> str:
    return f"{stack.info['postgres']}/{database}"
