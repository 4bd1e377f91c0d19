"""Tasks end although something below them loses the cancellation."""

import asyncio

import pytest

from shared import cancellation
from shared.cancellation import end, is_cancelled
from shared.worker import every, in_background


class Lossy:
    """Loses the first cancellation of a waiter, as `asyncio.wait_for` of Python 3.11 does when the result comes."""

    def __init__(self) -> None:
        self.waited_for = asyncio.Event()

    async def wait(self) -> None:
        self.waited_for.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling() > 1:
                raise


@pytest.fixture(autouse=True)
def _soon(monkeypatch) -> None:
    monkeypatch.setattr(cancellation, "AGAIN_S", 0.01)


async def test_the_loss_is_pythons():
    """Should this fail one day, the reason for `end` is gone."""
    result = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(asyncio.wait_for(result, timeout=60))
    await asyncio.sleep(0)
    result.set_result("came")
    waiting.cancel()
    assert await waiting == "came"


async def test_a_task_that_lost_its_cancellation_is_cancelled_again():
    lossy = Lossy()

    async def forever() -> None:
        while True:
            await lossy.wait()

    task = asyncio.create_task(forever())
    await lossy.waited_for.wait()
    await end([task])
    assert task.cancelled()


async def test_a_job_whose_driver_lost_the_cancellation_ends_with_its_block():
    lossy = Lossy()

    async def forever() -> None:
        while True:
            await lossy.wait()

    async with in_background({"lossy": forever}):
        await lossy.waited_for.wait()


async def test_a_timer_does_not_wait_again_once_it_is_to_end():
    lossy = Lossy()
    timer = asyncio.create_task(every(3_600, lossy.wait)())
    await lossy.waited_for.wait()
    timer.cancel()
    await asyncio.wait_for(timer, timeout=60)


async def test_who_was_not_told_to_end_goes_on():
    assert not is_cancelled()
