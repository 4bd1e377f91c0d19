"""Work that goes on a step at a time: what fails is put off by itself, and what is away is no fault of anybody's."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from shared.errors import ServiceUnavailable
from shared.sql.steps import PUT_OFF_S, StepFailed, Steps, carrying_on


class Work:
    """Subjects in their order; `errors` are what carrying one on raises."""

    def __init__(self, *subjects, **errors):
        self.waiting = list(subjects)
        self.errors = errors
        self.done = []
        self.put_aside = []

    async def step(self):
        if not self.waiting:
            return False
        with carrying_on(self.waiting[0]):
            if error := self.errors.get(self.waiting[0]):
                raise error
        self.done.append(self.waiting.pop(0))
        return True

    async def put_off(self, subject, seconds):
        self.waiting.remove(subject)
        self.put_aside.append((subject, seconds))


@pytest.fixture
def run():
    """All steps of a piece of work, each in a scope of its own; answers how the scopes ended."""

    async def run(work):
        ended = []

        class Scope:
            def get(self, kind):
                return work

        @asynccontextmanager
        async def scopes():
            try:
                yield Scope()
            except StepFailed:
                ended.append("rolled back")
                raise
            ended.append("committed")

        await Steps(scopes, Work)()
        return ended

    return run


async def test_what_fails_is_put_off_and_the_others_go_on(run):
    work = Work("a", "b", "c", b=KeyError("a defect"))
    ended = await run(work)
    assert work.done == ["a", "c"]
    assert work.put_aside == [("b", PUT_OFF_S)]
    assert ended == ["committed", "rolled back", "committed", "committed", "committed"]


async def test_a_cancellation_that_got_lost_on_its_way_ends_the_steps_all_the_same(run):
    work = Work("a", "b")
    step = work.step

    async def cancelled_and_lost():
        asyncio.current_task().cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        return await step()

    work.step = cancelled_and_lost
    await asyncio.create_task(run(work))
    assert work.done == ["a"]


async def test_a_store_that_is_away_puts_nobody_off(run):
    work = Work("a", a=ServiceUnavailable("the database is away"))
    with pytest.raises(ServiceUnavailable):
        await run(work)
    assert work.put_aside == []
