"""Downloads of one site share its line, whichever process serves them."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from ota_service.bandwidth.service import Line
from ota_service.bandwidth.store import BandwidthStore
from shared.sql.unit_of_work import UnitOfWork

PIECE = bytes(256 * 1024)


@pytest.fixture
def line(app):
    """One process's, and how long it has slept each time."""

    def make():
        @asynccontextmanager
        async def stores():
            async with app.state.scopes() as scope:
                yield BandwidthStore(scope.get(UnitOfWork).session)

        slept = []

        async def sleep(seconds):
            slept.append(seconds)

        return Line(stores, sleep=sleep), slept

    return make


@pytest.fixture
def limit(app):
    async def put(bytes_per_second, site_id=5):
        async with app.state.scopes() as scope:
            await BandwidthStore(scope.get(UnitOfWork).session).put(1, site_id, bytes_per_second, "1")

    return put


async def pieces(count):
    for _ in range(count):
        yield PIECE


async def read(line, count=20, site_id=5):
    return b"".join([chunk async for chunk in await line.paced(1, site_id, pieces(count))])


async def test_a_download_lasts_as_long_as_the_line_takes(line, limit):
    await limit(len(PIECE))
    paced, slept = line()
    began = time.monotonic()
    assert await read(paced) == PIECE * 20
    took = time.monotonic() - began
    assert 19 - took <= max(slept) <= 19


async def test_two_processes_share_one_line(line, limit):
    await limit(len(PIECE))
    (one, first), (other, second) = line(), line()
    began = time.monotonic()
    await asyncio.gather(read(one, 10), read(other, 10))
    took = time.monotonic() - began
    assert 19 - took <= max(first + second) <= 19
    assert len(set(first + second)) >= 20 - took, "two had the line at once"


async def test_another_site_has_a_line_of_its_own(line, limit):
    await limit(len(PIECE))
    await limit(len(PIECE), site_id=6)
    paced, slept = line()
    began = time.monotonic()
    await read(paced, 5)
    assert max(slept) >= 4 - (time.monotonic() - began)
    slept.clear()
    await read(paced, 1, site_id=6)
    assert slept == [0.0]


async def test_a_fast_line_is_reserved_by_the_quarter_of_a_second(line, limit):
    await limit(len(PIECE) * 40)
    paced, slept = line()
    assert await read(paced, 20) == PIECE * 20
    assert len(slept) == 2


@pytest.mark.parametrize("site_id", [None, 5])
async def test_without_a_limit_nothing_is_held(line, site_id):
    paced, slept = line()
    assert await read(paced, site_id=site_id) == PIECE * 20
    assert slept == []


async def test_a_limit_that_is_taken_away_holds_no_more(line, limit, sql):
    await limit(len(PIECE))
    paced, slept = line()
    chunks = await paced.paced(1, 5, pieces(10))
    await anext(chunks)
    await sql.execute("delete from site_bandwidths")
    assert len([chunk async for chunk in chunks]) == 9
    assert len(slept) == 1
