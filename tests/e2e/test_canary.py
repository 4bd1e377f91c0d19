"""A release waits for what monitoring says of its first devices: across the broker and back, for good and for bad."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pymongo
import pytest
from pymongo.asynchronous.collection import AsyncCollection

from muster_stack.stack import Stack
from shared.testing import eventually

from .browsing import Device

_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

Updated = Callable[[], Awaitable[list[Device]]]


@pytest.fixture
async def pumps(devices: Callable[..., Awaitable[Device]], people: httpx.AsyncClient) -> list[Device]:
    """Four devices that every service knows."""
    made = [await devices() for _ in range(4)]

    async def are_known() -> bool:
        answers = [await people.get(f"/api/v2/fleet/{pump.uid}") for pump in made]
        return all(answer.is_success for answer in answers)

    await eventually(are_known)
    return made


@pytest.fixture
def release(people: httpx.AsyncClient, pumps: list[Device], image: Callable[..., Awaitable[dict[str, Any]]]):
    """Starts a release to half of the pumps, and behind a canary to the others; its slug."""
    name = f"canary-{uuid4().hex[:8]}"

    async def start(version: str) -> str:
        firmware = await image(version, name=name)
        document = {
            "name": f"{name} {version}",
            "bundle": {"apps": [{"firmware_id": firmware["id"]}]},
            "clusters": [{"device_uids": [pump.uid for pump in pumps]}],
            "waves": [{"percent": 50, "canary": {"alerts": True, "window_s": 60, "min_devices": 2}}, {"percent": 50}],
            "on_failure": "rollback",
        }
        made = (await people.post("/api/v2/releases", json=document)).raise_for_status().json()
        (await people.post(f"/api/v2/releases/{made['slug']}/start")).raise_for_status()
        return made["slug"]

    return start


@pytest.fixture
def update_two(people: httpx.AsyncClient, pumps: list[Device]) -> Updated:
    """Carries out the two updates that begin, as their devices would; these devices."""

    async def begun() -> list[tuple[Device, str]] | None:
        found: list[tuple[Device, str]] = []
        for pump in pumps:
            answer = await people.get("/api/v2/updates", params={"device_uid": pump.uid, "limit": 1})
            found += [(pump, one["session_id"]) for one in answer.json()["items"] if one["state"] == "initiated"]
        return found if len(found) == 2 else None

    async def update_two() -> list[Device]:
        sessions = await eventually(begun, why="two updates begin") or []
        for pump, session_id in sessions:
            for verb in ("ack", "downloading", "flashed", "complete"):
                assert await pump.report(session_id, verb) == 200
        return [pump for pump, _ in sessions]

    return update_two


class Watches:
    """What monitoring watches."""

    def __init__(self, canaries: AsyncCollection[dict[str, Any]]) -> None:
        self._canaries = canaries

    async def begun(self, slug: str) -> None:
        """Returns once a wave of the release is watched."""

        async def is_watched() -> bool:
            return await self._canaries.find_one({"release": slug, "waits": True}) is not None

        await eventually(is_watched, why="monitoring watches the wave")

    async def end(self, slug: str) -> None:
        """Lets the time for it be over."""
        await self._canaries.update_one({"release": slug, "waits": True}, {"$set": {"due_at": _LONG_AGO}})


@pytest.fixture
async def watches(stack: Stack) -> AsyncIterator[Watches]:
    async with pymongo.AsyncMongoClient[dict[str, Any]](stack.info["mongodb"]) as client:
        yield Watches(client["monitoring"]["canaries"])


@pytest.fixture
async def fail(people: httpx.AsyncClient, pumps: list[Device]) -> Callable[[list[Device]], Awaitable[None]]:
    """Devices report errors until each has an alert."""
    rule = {
        "name": "Errors",
        "condition": {"kind": "threshold", "metric": "errors", "above": 0},
        "scope": {"device_uids": [pump.uid for pump in pumps]},
    }
    rule_id = (await people.post("/api/v2/alert-rules", json=rule)).raise_for_status().json()["id"]

    async def fail(some: list[Device]) -> None:
        async def alerting() -> bool:
            for device in some:
                headers = {"Authorization": f"Bearer {device.token}"}
                sample = {"metrics": {"errors": 3}, "ts": datetime.now(UTC).isoformat()}
                answer = await people.post(f"/api/v2/device/{device.uid}/telemetry", json=sample, headers=headers)
                assert answer.status_code == 202, answer.text
            listed = await people.get("/api/v2/alerts", params={"rule": rule_id})
            return {alert["device_uid"] for alert in listed.json()["items"]} == {device.uid for device in some}

        await eventually(alerting, interval=0.5, why="the devices have alerts")

    return fail


@pytest.fixture
def becomes(people: httpx.AsyncClient) -> Callable[[str, str], Awaitable[dict[str, Any]]]:
    async def becomes(slug: str, state: str) -> dict[str, Any]:
        async def read() -> dict[str, Any] | None:
            found = (await people.get(f"/api/v2/releases/{slug}")).json()
            return found if found["state"] == state else None

        return await eventually(read, interval=0.1, why=f"the release is {state}") or {}

    return becomes


async def test_a_release_goes_on_behind_devices_that_are_well_and_back_from_those_that_alert(
    pumps, release, update_two, watches, fail, becomes
):
    good = await release("1.0.0")
    first = await update_two()
    await watches.begun(good)
    await watches.end(good)
    second = await update_two()
    assert {pump.uid for pump in (*first, *second)} == {pump.uid for pump in pumps}
    assert (await becomes(good, "completed"))["waves"][0]["canary"]["verdict"] == "passed"

    bad = await release("2.0.0")
    updated = await update_two()
    await watches.begun(bad)
    await fail(updated)
    await watches.end(bad)
    await update_two()
    taken_back = await becomes(bad, "rolled_back")
    assert taken_back["waves"][0]["canary"]["verdict"] == "failed"
    assert [taken_back[which]["succeeded"] for which in ("progress", "rollback")] == [2, 2]
    assert taken_back["waves"][1]["opened_at"] is None
