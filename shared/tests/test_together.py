"""Many questions, one read."""

import asyncio

import pytest

from shared.testing import eventually
from shared.together import Together


class Numbers:
    """Doubles them when it is let, and knows nothing of zero."""

    def __init__(self):
        self.asked: list[list[int]] = []
        self.answers = asyncio.Semaphore(0)
        self.broken = False

    async def read(self, numbers):
        self.asked.append(list(numbers))
        await self.answers.acquire()
        if self.broken:
            raise ValueError("no numbers today")
        return {number: 2 * number for number in numbers if number}


@pytest.fixture
def numbers():
    return Numbers()


def asking(together, *keys):
    return [asyncio.create_task(together.ask(key)) for key in keys]


async def test_those_who_ask_while_a_read_is_under_way_are_answered_by_the_next(numbers):
    together = Together(numbers.read)
    asked = asking(together, 1)
    await eventually(lambda: numbers.asked == [[1]])
    asked += asking(together, 1, 2, 0, 2)
    await asyncio.sleep(0)
    numbers.answers.release()
    numbers.answers.release()
    assert await asyncio.gather(*asked) == [2, 2, 4, None, 4]
    assert numbers.asked == [[1], [1, 2, 0]]


async def test_a_read_that_lingers_answers_those_who_ask_meanwhile(numbers):
    together = Together(numbers.read, linger_s=1)
    asked = asking(together, 1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked += asking(together, 2)
    numbers.answers.release()
    assert await asyncio.gather(*asked) == [2, 4]
    assert numbers.asked == [[1, 2]]


async def test_what_a_read_raises_everybody_hears_who_waited_for_it(numbers):
    together = Together(numbers.read)
    numbers.broken = True
    numbers.answers.release()
    errors = await asyncio.gather(*asking(together, 1, 2), return_exceptions=True)
    assert [type(error) for error in errors] == [ValueError, ValueError]
    numbers.broken = False
    numbers.answers.release()
    assert await together.ask(3) == 6


async def test_one_who_gives_up_leaves_the_others_their_answer(numbers):
    together = Together(numbers.read)
    first, second = asking(together, 1, 1)
    await eventually(lambda: numbers.asked)
    first.cancel()
    numbers.answers.release()
    assert await second == 2


async def test_for_one_who_has_given_up_nothing_is_read(numbers):
    together = Together(numbers.read)
    first, gone, second = asking(together, 1, 2, 3)
    await asyncio.sleep(0)  # All have asked, and the read has not begun.
    gone.cancel()
    numbers.answers.release()
    assert await asyncio.gather(first, second) == [2, 6]
    assert numbers.asked == [[1, 3]]
