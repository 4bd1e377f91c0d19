"""Who has waited longest for a connection gets the next one, and none is lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import sentinel

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn
from sqlalchemy.util.queue import Empty

from shared.sql.pool import Line, TurnPool

PATIENCE_S = 30.0


@pytest.fixture
async def engine(postgres_url) -> AsyncIterator[AsyncEngine]:
    """With one connection."""
    url = postgres_url.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, poolclass=TurnPool, pool_size=1, max_overflow=0, pool_timeout=PATIENCE_S)
    yield engine
    await engine.dispose()


async def test_who_asks_again_comes_after_those_who_wait(engine):
    served = []

    async def take(name: str) -> None:
        async with engine.connect():
            served.append(name)

    async with engine.connect():
        waiting = [asyncio.create_task(take(name)) for name in ("first", "second")]
        await asyncio.sleep(0)
    await take("again")
    await asyncio.gather(*waiting)
    assert served == ["first", "second", "again"]


async def test_a_wait_has_an_end_and_leaves_nobody_in_the_line(postgres_url):
    url = postgres_url.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, poolclass=TurnPool, pool_size=1, max_overflow=0, pool_timeout=0.1)
    async with engine.connect():
        with pytest.raises(PoolTimeout):
            await engine.connect()
    async with engine.connect():
        pass
    await engine.dispose()


@pytest.fixture
def line() -> Line:
    return Line(1)


async def waits(line: Line) -> asyncio.Task[Any]:
    task = asyncio.create_task(greenlet_spawn(line.get, True, PATIENCE_S))
    await asyncio.sleep(0)
    return task


async def test_what_comes_back_in_the_moment_in_which_somebody_gives_up_goes_to_the_next(line):
    first, second = await waits(line), await waits(line)
    line.put_nowait(sentinel.connection)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second is sentinel.connection


async def test_what_comes_back_when_the_only_one_gives_up_is_idle(line):
    only = await waits(line)
    line.put_nowait(sentinel.connection)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    assert line.get(block=False) is sentinel.connection
    with pytest.raises(Empty):
        line.get(block=False)


async def test_who_has_given_up_is_passed_over(line):
    first, second = await waits(line), await waits(line)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    line.put_nowait(sentinel.connection)
    assert await second is sentinel.connection
