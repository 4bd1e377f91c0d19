from datetime import timedelta

import pytest

from shared.mongo import client
from shared.mongo.lease import Lease
from shared.testing import eventually


@pytest.fixture
async def leases(mongodb_url: str, mongodb_database: str):
    async with client.open(mongodb_url, mongodb_database) as database:
        yield database["leases"]


def lease(leases, holder: str, *, name: str = "relay", ttl: timedelta = timedelta(seconds=15)) -> Lease:
    return Lease(leases, name, holder=holder, ttl=ttl)


async def test_only_one_holds_it_and_may_renew_it(leases):
    first, second = lease(leases, "a"), lease(leases, "b")
    assert await first.hold()
    assert not await second.hold()
    assert await first.hold()
    assert await lease(leases, "a").hold()
    assert await lease(leases, "b", name="another").hold()


async def test_it_passes_on_when_it_runs_out(leases):
    assert await lease(leases, "a", ttl=timedelta(milliseconds=300)).hold()
    second = lease(leases, "b")
    assert not await second.hold()
    await eventually(second.hold)
    assert not await lease(leases, "a").hold()


async def test_released_it_passes_on_at_once(leases):
    first, second = lease(leases, "a"), lease(leases, "b")
    assert await first.hold()
    await second.release()
    assert not await second.hold()
    await first.release()
    assert await second.hold()
    assert not await first.hold()
