"""A release goes its way whatever happens to its worker: no wave before its gate, no device in two updates, an end."""

import asyncio
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest

from muster_stack.stack import Stack
from shared.testing import eventually

from .conftest import FLEET
from .database import Database

pytestmark = pytest.mark.timeout(500)

WORKER = "ota-service-worker"
RELEASES = "/api/v2/releases"


@pytest.fixture
def draw_up(people: httpx.AsyncClient, fleet: str):
    """Draws up a release of two waves with a firmware of its own; answers its slug."""

    async def draw_up(name: str, version: str) -> str:
        image = {"file": ("image.bin", version.encode() * 100)}
        answer = await people.post("/api/v2/firmware", data={"name": name, "version": version}, files=image)
        firmware = answer.raise_for_status().json()["id"]
        (await people.post(f"/api/v2/firmware/{firmware}/approve")).raise_for_status()
        document = {
            "name": name,
            "slug": f"{name}-{version}".replace(".", "-"),
            "bundle": {"apps": [{"firmware_id": firmware}]},
            "clusters": [{"rql": f'like(device_uid,"{fleet}-*")'}],
            "waves": [{"percent": 50}, {"percent": 50}],
        }
        answer = await people.post(RELEASES, json=document)
        assert answer.status_code == 201, answer.text
        return document["slug"]

    return draw_up


@pytest.fixture
def act(people: httpx.AsyncClient):
    async def act(slug: str, verb: str) -> None:
        answer = await people.post(f"{RELEASES}/{slug}/{verb}")
        assert answer.status_code == 200, answer.text

    return act


@pytest.fixture
def becomes(people: httpx.AsyncClient):
    async def becomes(slug: str, state: str) -> dict[str, Any]:
        async def found() -> bool:
            return (await people.get(f"{RELEASES}/{slug}")).json()["state"] == state

        await eventually(found, interval=0.3, why=f"the release is {state}")
        return (await people.get(f"{RELEASES}/{slug}")).json()

    return becomes


async def test_a_release_goes_there_and_back_though_its_worker_dies_in_the_middle_of_each_step(
    stack: Stack, database: Database, draw_up, act, becomes
):
    name = f"faults-{uuid4().hex[:8]}"
    before, slug = await draw_up(name, "1.0"), await draw_up(name, "2.0")
    await act(before, "start")
    await becomes(before, "completed")
    try:
        async with database.holding("lock table release_waves in share mode"):
            await act(slug, "start")
            await database.stands_at("update release_waves")
            stack.kill(WORKER)
        for table, statement in (
            ("release_devices", "update release_devices"),
            ("release_changes", "insert into release_changes"),
        ):
            async with database.holding(f"lock table {table} in share mode"):
                await asyncio.to_thread(stack.start, WORKER)
                await database.stands_at(statement)
                stack.kill(WORKER)
        await asyncio.to_thread(stack.start, WORKER)
        await becomes(slug, "completed")
        async with database.holding("lock table release_clusters in share mode"):
            await act(slug, "rollback")
            await database.stands_at("update release_clusters")
            stack.kill(WORKER)
    finally:
        await asyncio.to_thread(stack.start, WORKER)
    release = await becomes(slug, "rolled_back")
    assert release["progress"]["succeeded"] == release["rollback"]["succeeded"] == FLEET
    waves = ["wave_opened", "wave_completed"] * 2
    assert [change["what"] for change in release["changes"]] == [
        *("created", "started", *waves, "completed", "rollback_started", "rolled_back")
    ]
    await each_update_had_the_device_for_itself(database, slug)


async def each_update_had_the_device_for_itself(database: Database, slug: str) -> None:
    """Every update of the release has ended, and on each device one after the other, there and back."""
    rows = await database.rows(
        "select s.device_uid, s.state, s.deadline, s.opened_at, s.updated_at from update_sessions s "
        "where s.release = $1 order by s.counter",
        slug,
    )
    assert {row["state"] for row in rows} == {"completed"}
    assert {row["deadline"] for row in rows} == {None}
    for uid in {row["device_uid"] for row in rows}:
        own = [row for row in rows if row["device_uid"] == uid]
        assert len(own) == 2, "there and back"
        assert all(first["updated_at"] <= second["opened_at"] for first, second in pairwise(own))
