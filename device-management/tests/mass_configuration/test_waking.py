"""A job goes on with the commit that lets it, and not only when a timer looks."""

import asyncio
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - asyncpg ships no types
import httpx
import pytest

from device_management.mass_configuration.jobs import JobSteps
from device_management.mass_configuration.store import JOBS_CHANNEL

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
