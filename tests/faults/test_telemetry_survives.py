"""What the broker has confirmed is stored once, whatever dies on the way."""

import pytest

from shared.testing import eventually

pytestmark = pytest.mark.timeout(240)

RATE = 500


async def test_a_worker_killed_in_the_middle_of_batches_loses_nothing_and_doubles_nothing(stack, load):
    async with load(devices=10, per_second=RATE) as fleet:
        for _ in range(3):
            await fleet.reaches(700)
            stack.kill("monitoring-worker")
            await fleet.reaches(300)
            stack.start("monitoring-worker")
        await fleet.reaches(700)
    await fleet.all_stored_once()


async def test_a_broker_killed_and_started_again_loses_nothing_and_doubles_nothing(stack, load):
    async with load(devices=10, per_second=RATE) as fleet:
        await fleet.reaches(1_000)
        stack.kill("rabbitmq")
        stack.start("rabbitmq")
        await fleet.reaches(1_000, within=120)
    await fleet.all_stored_once()


async def test_a_store_away_for_half_a_minute_delays_telemetry_and_loses_none(stack, load, people):
    async with load(devices=5, per_second=100) as fleet:
        await fleet.reaches(200)
        stack.stop("mongodb")
        try:
            answer = await people.get("/api/v2/telemetry/latest")
            assert (answer.status_code, answer.json()["code"]) == (503, "store_away")
            assert "retry-after" in answer.headers
            await fleet.reaches(3_000, within=90)
        finally:
            stack.start("mongodb")
        await fleet.reaches(200)
    await fleet.all_stored_once()


async def test_registration_goes_on_without_the_broker_and_its_event_arrives_afterwards(stack, people):
    stack.kill("rabbitmq")
    try:
        answer = await people.post("/api/v2/devices", json={})
        assert answer.status_code == 201
    finally:
        stack.start("rabbitmq")
    uid = answer.json()["device_uid"]

    async def copied() -> bool:
        return (await people.get(f"/api/v2/fleet/{uid}")).status_code == 200

    await eventually(copied, timeout=60, why="ota-service's copy of a device registered while the broker was away")


async def test_a_worker_killed_after_a_commit_publishes_it_when_it_is_back(stack, people):
    stack.kill("device-management-worker")
    try:
        answer = await people.post("/api/v2/devices", json={})
        assert answer.status_code == 201
        uid = answer.json()["device_uid"]
        assert (await people.get(f"/api/v2/fleet/{uid}")).status_code == 404
    finally:
        stack.start("device-management-worker")

    async def copied() -> bool:
        return (await people.get(f"/api/v2/fleet/{uid}")).status_code == 200

    await eventually(copied, timeout=30, why="the event of a commit whose relay was dead")
