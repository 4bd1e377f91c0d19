from datetime import UTC, datetime, timedelta

import pytest

from shared.mongo.lease import Lease
from shared.testing.documents import opened


@pytest.fixture
async def leases(mongodb_url: str, mongodb_database: str):
    async with opened(mongodb_url, mongodb_database) as database:
        yield database["leases"]


def lease(leases, holder: str, *, name: str = "relay", ttl: timedelta = timedelta(hours=1)) -> Lease:
    return Lease(leases, name, holder=holder, ttl=ttl)


async def test_only_one_holds_it_and_may_renew_it(leases):
    first, second = lease(leases, "a"), lease(leases, "b")
    assert await first.hold()
    assert not await second.hold()
    assert await first.hold()
    assert await lease(leases, "a").hold()
    assert await lease(leases, "b", name="another").hold()


async def test_it_passes_on_when_it_has_run_out(leases):
    assert await lease(leases, "a").hold()
    second = lease(leases, "b")
    assert not await second.hold()
    await leases.update_one({"_id": "relay"}, {"$set": {"until": datetime.now(UTC) - timedelta(seconds=1)}})
    assert await second.hold()
    assert not await lease(leases, "a").hold()


async def test_it_runs_out_its_time_after_it_was_taken(leases):
    ttl, millisecond = timedelta(hours=3), timedelta(milliseconds=1)
    before = datetime.now(UTC)
    assert await lease(leases, "a", ttl=ttl).hold()
    after = datetime.now(UTC)
    assert before - millisecond <= (await leases.find_one({"_id": "relay"}))["until"] - ttl <= after


async def test_released_it_passes_on_at_once(leases):
    first, second = lease(leases, "a"), lease(leases, "b")
    assert await first.hold()
    await second.release()
    assert not await second.hold()
    await first.release()
    assert await second.hold()
    assert not await first.hold()
