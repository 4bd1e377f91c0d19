"""What the tests of releases do: draw one up, let workers step, and be its devices."""

from collections import Counter

import asyncpg
import pytest

from ota_service.batch_runs.jobs import BatchSteps
from ota_service.waves.jobs import ReleaseSteps

__all__ = ["act", "document", "draw_up", "finish", "firmware", "look", "open_sessions", "person", "started", "steps"]
"""For the conftest of every folder whose tests need releases."""

UIDS = [f"pump-{number:02d}" for number in range(20)]


@pytest.fixture
def person(connect, credentials):
    return connect(credentials.person("updates:read", "updates:write", "updates:approve", organization_id=1, user="7"))


@pytest.fixture
async def firmware(add_devices, add_firmware) -> int:
    """Twenty devices that may be updated, and the firmware for them."""
    await add_devices(*UIDS)
    return (await add_firmware()).id


@pytest.fixture
def document(firmware):
    """A release of two waves, to a tenth and to the others."""

    def document(*percents, **differs):
        return {
            "name": "January",
            "slug": "rel-1",
            "bundle": {"apps": [{"firmware_id": firmware}]},
            "clusters": [{"slug": "pumps", "rql": 'like(device_uid,"pump-*")'}],
            "waves": [{"percent": percent} for percent in percents or (10, 90)],
        } | differs

    return document


@pytest.fixture
def act(person):
    """Asks for something of the release that must be granted."""

    async def act(verb, *, name="rel-1", **body):
        answer = await person.post(f"/api/v2/releases/{name}/{verb}", json=body or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return act


@pytest.fixture
def draw_up(person, document):
    async def draw_up(*percents, **differs):
        answer = await person.post("/api/v2/releases", json=document(*percents, **differs))
        assert answer.status_code == 201, answer.text
        return answer.json()

    return draw_up


@pytest.fixture
def started(draw_up, act, steps):
    async def started(*percents, **differs):
        await draw_up(*percents, **differs)
        await act("start", name=differs.get("slug", "rel-1"))
        await steps()

    return started


@pytest.fixture
def look(person):
    async def look(name="rel-1"):
        answer = await person.get(f"/api/v2/releases/{name}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    return look


@pytest.fixture
def steps(app, sql):
    """All that workers can do now: nothing waits for its turn, and the oldest release is always the first."""
    releases, batches = ReleaseSteps(app.state.scopes), BatchSteps(app.state.scopes)

    async def steps() -> None:
        for _ in range(4):
            await sql.execute("update releases set stepped_at = now() - interval '1 second' + id * interval '1 us'")
            await batches()
            await releases()
        await batches()

    return steps


@pytest.fixture
def open_sessions(sql):
    async def open_sessions() -> dict[str, str]:
        """The device of each open session, and its id."""
        rows = await sql.fetch("select device_uid, id from update_sessions where deadline is not null order by 1")
        return {row["device_uid"]: str(row["id"]) for row in rows}

    return open_sessions


@pytest.fixture
def finish(device, open_sessions):
    """Devices carry out what is open for them, but for the first `failing` of them."""

    async def finish(failing=0, most=None) -> list[str]:
        sessions = list((await open_sessions()).items())[:most]
        for number, (uid, session_id) in enumerate(sessions):
            said = ("fail",) if number < failing else ("ack", "downloading", "flashed", "complete")
            for verb in said:
                answer = await device(uid).say(session_id, verb)
                assert answer.status_code == 200, answer.text
        return [uid for uid, _ in sessions]

    return finish


async def told(sql: asyncpg.Connection) -> list[str]:
    """The verbs of the releases' events, in order."""
    rows = await sql.fetch("select type from outbox where subject like 'release/%' order by id")
    return [row["type"].split(".")[1] for row in rows]


async def batches(sql: asyncpg.Connection) -> Counter[str]:
    """How many batches are in each state."""
    return Counter(row["state"] for row in await sql.fetch("select state from update_batches"))
