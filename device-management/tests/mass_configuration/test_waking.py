"""A job goes on with the commit that lets it, and not only when a timer looks."""

import asyncio
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - asyncpg ships no types
import httpx
import pytest

from device_management.mass_configuration.jobs import JobSteps
from device_management.mass_configuration.store import JOBS_CHANNEL
from device_management.settings import Settings
from device_management.worker import opened
from shared.cancellation import end
from shared.testing import eventually

JOBS = "/api/v2/configuration/jobs"


async def test_workers_hear_of_a_job_with_the_commit_that_lets_it_go_on(
    admin: httpx.AsyncClient, pumps: list[str], sql: asyncpg.Connection
):
    heard: asyncio.Queue[str] = asyncio.Queue()
    driver: Any = sql

    def hear(*notification: object) -> None:
        heard.put_nowait(str(notification[2]))

    await driver.add_listener(JOBS_CHANNEL, hear)
    job = (await admin.post(JOBS, json={"params": {"mode": "fast"}, "device_uids": pumps})).json()
    await asyncio.wait_for(heard.get(), 60)
    await admin.post(f"{JOBS}/{job['id']}/pause")
    assert heard.empty()
    await admin.post(f"{JOBS}/{job['id']}/resume")
    await asyncio.wait_for(heard.get(), 60)
    await driver.execute("update configuration_job_items set state = 'failed'")
    await driver.execute("update configuration_jobs set state = 'completed'")
    await admin.post(f"{JOBS}/{job['id']}/retry")
    await asyncio.wait_for(heard.get(), 60)


async def test_a_rest_between_steps_ends_when_a_job_begins(steps: JobSteps):
    steps.wake()
    await asyncio.wait_for(steps.rest(3_600), 60)
    await steps()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(steps.rest(3_600), 0.01)


async def test_a_worker_begins_a_job_by_its_commit_and_not_at_its_next_look(
    admin: httpx.AsyncClient, pumps: list[str], sql: asyncpg.Connection, settings: Settings, monkeypatch
):
    driver: Any = sql
    rests = asyncio.Event()
    rest = JobSteps.rest

    async def resting(steps: JobSteps, seconds: float) -> None:
        rests.set()
        await rest(steps, seconds)

    async def is_asked() -> bool:
        return await driver.fetchval("select count(*) from actions where state = 'running'") == len(pumps)

    async def relay_listens() -> bool:
        """Its first round begins when it does."""
        query = "application_name = 'muster-relay' and state = 'idle' and query ilike 'commit%'"
        return await driver.fetchval(f"select exists (select from pg_stat_activity where {query})")  # noqa: S608 - above

    monkeypatch.setattr(JobSteps, "SECONDS", 3_600.0)
    monkeypatch.setattr(JobSteps, "rest", resting)
    async with opened(settings.model_copy(update={"amqp_url": "amqp://127.0.0.1:1/"})) as worker:
        tasks = [asyncio.create_task(worker.jobs[name]()) for name in ("command-relay", "configuration-jobs")]
        try:
            await asyncio.wait_for(rests.wait(), 60)
            await eventually(relay_listens)
            await admin.post(JOBS, json={"params": {"mode": "fast"}, "device_uids": pumps})
            await eventually(is_asked)
        finally:
            await end(tasks)
