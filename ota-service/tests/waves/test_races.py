"""Any number of workers: one decides a wave, and none after its gate has closed."""

import asyncio

import pytest

from ota_service.waves.service import WaveService
from ota_service.waves.store import WaveStore

from ..releases.conftest import batches, told


class Died(Exception):
    """The end of a worker in the middle of its transaction."""


@pytest.fixture
def due(sql):
    async def due():
        await sql.execute("update releases set stepped_at = now() - interval '1 second'")

    return due


@pytest.fixture
def worker(app):
    async def step() -> bool:
        async with app.state.scopes() as scope:
            return await scope.get(WaveService).step()

    return step


async def test_of_many_workers_one_opens_a_wave(draw_up, act, worker, due, steps, finish, sql):
    await draw_up(50, 50)
    await act("start")
    for _ in range(6):
        await due()
        await asyncio.gather(*(worker() for _ in range(8)))
    assert await told(sql) == ["created", "started", "wave_opened"]
    assert sum((await batches(sql)).values()) == 1
    assert await sql.fetchval("select sum(handed) from release_clusters") == 10
    await steps()
    await finish()
    for _ in range(6):
        await steps()
        await due()
        await asyncio.gather(*(worker() for _ in range(8)))
    assert await told(sql) == ["created", "started", "wave_opened", "wave_completed", "wave_opened"]
    assert sum((await batches(sql)).values()) == 2


async def test_no_wave_opens_after_the_gate_has_closed_though_a_worker_weighed_it_before(
    started, steps, finish, worker, due, look, sql, monkeypatch
):
    """One worker has read that the first wave has passed, and stands still; meanwhile a second one looks."""
    await started(50, 50, failure_threshold=10)
    await finish(most=9)
    weighed, go_on = asyncio.Event(), asyncio.Event()
    now = WaveStore.now
    first = True

    async def stands_still(store):
        nonlocal first
        if first:
            first = False
            weighed.set()
            await go_on.wait()
        return await now(store)

    monkeypatch.setattr(WaveStore, "now", stands_still)
    await due()
    slow = asyncio.create_task(worker())
    await weighed.wait()
    await finish(failing=1)
    await due_without_waiting(sql)
    await asyncio.gather(*(worker() for _ in range(3)))
    go_on.set()
    await slow
    monkeypatch.undo()
    await steps()
    assert (await look())["state"] == "paused"
    assert (await told(sql)).count("wave_opened") == 1


async def test_a_release_that_cannot_be_stepped_holds_up_no_other(started, look, steps, finish, sql, monkeypatch):
    await started(50, 50)
    await finish()
    step = WaveService._carry_on

    async def fails_for_one(service, release):
        if release.slug == "rel-1":
            raise KeyError("a defect")
        return await step(service, release)

    monkeypatch.setattr(WaveService, "_carry_on", fails_for_one)
    await started(100, slug="rel-2")
    assert (await look("rel-2"))["waves"][0]["progress"]["in_progress"] == 10
    assert await sql.fetchval("select stepped_at > now() + interval '20 s' from releases where slug = 'rel-1'")
    monkeypatch.undo()
    await steps()
    assert (await look("rel-1"))["waves"][0]["state"] == "completed"


async def due_without_waiting(sql):
    """Makes releases due that nobody holds."""
    await sql.execute(
        "update releases set stepped_at = now() - interval '1 second' "
        "where id in (select id from releases for update skip locked)"
    )


async def test_a_worker_that_dies_before_its_commit_has_decided_nothing(
    app, started, steps, finish, due, look, open_sessions, sql
):
    await started(50, 50)
    await finish()
    await due()

    async def dies() -> None:
        async with app.state.scopes() as scope:
            assert await scope.get(WaveService).step()
            raise Died

    with pytest.raises(Died):
        await dies()
    assert await told(sql) == ["created", "started", "wave_opened"]
    await steps()
    assert (await told(sql))[3:] == ["wave_completed", "wave_opened"]
    assert len(await open_sessions()) == 10
