import asyncio

from shared.precedence import Precedence


async def test_who_gives_way_goes_on_as_soon_as_nothing_goes_first():
    precedence = Precedence()
    await precedence.give_way(60)
    with precedence.taken():
        with precedence.taken():
            waiting = asyncio.create_task(precedence.give_way(60))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


async def test_who_gives_way_goes_on_in_time_though_something_still_goes_first():
    precedence = Precedence()
    with precedence.taken():
        await precedence.give_way(0.01)
