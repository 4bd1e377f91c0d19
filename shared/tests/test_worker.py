"""What runs beside something else goes on whatever happens to it."""

import asyncio
from collections.abc import Sequence

import pytest
from tenacity import RetryCallState

from shared import worker
from shared.testing import eventually
from shared.worker import in_background


class Job:
    """Runs for so long each time, by a clock of its own, and fails; after the last time it stays."""

    def __init__(self, *lasts: float) -> None:
        self.now = 0.0
        self.stays = False
        self._lasts = iter(lasts)

    async def __call__(self) -> None:
        lasted = next(self._lasts, None)
        if lasted is None:
            self.stays = True
            await asyncio.Event().wait()
        else:
            self.now += lasted
            raise RuntimeError("it failed")


async def pauses(job: Job, monkeypatch: pytest.MonkeyPatch) -> Sequence[int]:
    """After how many failures in a row each pause was taken."""
    taken: list[int] = []

    def pause(state: RetryCallState) -> float:
        taken.append(state.attempt_number)
        return 0.0

    monkeypatch.setattr(worker, "_pause", pause)
    monkeypatch.setattr(worker, "monotonic", lambda: job.now)
    async with in_background({"job": job}):
        await eventually(lambda: job.stays)
    return taken


async def test_a_job_that_fails_is_begun_again_and_its_failures_are_counted(monkeypatch):
    assert await pauses(Job(0, 1, 0), monkeypatch) == [1, 2, 3]


async def test_one_that_went_well_for_long_begins_with_a_short_pause_again(monkeypatch):
    assert await pauses(Job(0, 0, 3_600, 0), monkeypatch) == [1, 2, 1, 2]
