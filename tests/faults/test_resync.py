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
    await _refuse_a_key(people)
    await _update_a_device(people)
    updates = await eventually(lambda: _updates(stack), why="monitoring knows of the update")
    async with load(devices=5, per_second=100) as traffic:
        await traffic.reaches(100)
        await _empty_the_copies(stack)
        resync = (await people.post("/api/v2/devices/resync", json={"all": True})).json()
        registering = asyncio.create_task(_register_all_along(people))

        async def is_under_way() -> bool:
            return (await people.get(f"/api/v2/devices/resync/{resync['id']}")).json()["done"] > 0

        await eventually(is_under_way)
        stack.kill("device-management-worker")
        stack.start("device-management-worker")

        async def is_over() -> bool:
            return (await people.get(f"/api/v2/devices/resync/{resync['id']}")).json()["state"] == "completed"

        await eventually(is_over, interval=0.5, why="the resync completed")
        registering.cancel()
        with suppress(asyncio.CancelledError):
            await registering
        await traffic.reaches(100)
    wanted = await _devices(stack)

    async def are_whole() -> bool:
        return await _ota_copy(stack) == wanted and _monitoring_copy(stack) == wanted

    await eventually(are_whole, interval=0.5, why="both copies as the fleet is, with its versions")

    async def is_the_rest() -> bool:
        tenants, *refused = await _beside(stack)
        truth = await _rows(stack, "device_management", "select slug, version from organizations")
        list_of = "select kind || ':' || subject_id, version from revocations where until is null or until > now()"
        entries = await _rows(stack, "device_management", list_of)
        return tenants == truth and all(entries <= each for each in refused) and _updates(stack) >= updates

    await eventually(is_the_rest, interval=0.5, why="organizations, refused tokens and updates too")
    await traffic.all_stored_once()


async def _refuse_a_key(people: httpx.AsyncClient) -> None:
    key = {"name": "to be refused", "scopes": ["devices:read"]}
    issued = (await people.post("/api/v2/api-keys", json=key)).raise_for_status().json()
    (await people.delete(f"/api/v2/api-keys/{issued['id']}")).raise_for_status()


async def _update_a_device(people: httpx.AsyncClient) -> None:
    uid = f"updated-{uuid4().hex[:8]}"
    (await people.post("/api/v2/devices", json={"device_uid": uid, "status": "deployed"})).raise_for_status()
    files = {"file": ("image.bin", uid.encode())}
    image = (await people.post("/api/v2/firmware", data={"name": uid, "version": "2"}, files=files)).json()
    (await people.post(f"/api/v2/firmware/{image['id']}/approve")).raise_for_status()

    async def is_opened() -> bool:
        body = {"device_uid": uid, "firmware_id": image["id"]}
        return (await people.post("/api/v2/updates", json=body)).is_success

    await eventually(is_opened, why="ota-service knows the device")


async def _beside(stack: Stack) -> list[set[tuple[str, int]]]:
    """What the other services know of organizations, and each of them of refused tokens."""
    with pymongo.MongoClient(stack.info["mongodb"]) as client:
        refused = {(entry["_id"], entry["version"]) for entry in client["monitoring"]["revocations"].find({})}
    return [
        await _rows(stack, "ota_service", "select slug, version from tenants"),
        await _rows(stack, "ota_service", "select kind || ':' || subject_id, version from revocations"),
        refused,
    ]


def _updates(stack: Stack) -> set[tuple[str, int]]:
    with pymongo.MongoClient(stack.info["mongodb"]) as client:
        return {(update["_id"], update["newest"]["version"]) for update in client["monitoring"]["updates"].find({})}


async def _register_all_along(people: httpx.AsyncClient) -> None:
    while True:
        (await people.post("/api/v2/devices", json={})).raise_for_status()
        await asyncio.sleep(0.1)


async def _empty_the_copies(stack: Stack) -> None:
    connection = await asyncpg.connect(_postgres(stack, "ota_service"))
    for table in ("fleet_devices", "tenants", "revocations"):
        await connection.execute(f"delete from {table}")  # noqa: S608 - a word of ours
    await connection.close()
    with pymongo.MongoClient(stack.info["mongodb"]) as client:
        for collection in ("devices", "updates", "revocations"):
            client["monitoring"][collection].delete_many({})


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
        return {(row[0], row[1]) for row in await connection.fetch(query)}
    finally:
        await connection.close()


def _postgres(stack: Stack, database: str) -> str:
    return f"{stack.info['postgres']}/{database}"
