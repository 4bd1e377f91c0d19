"""The cache through the races that break caches, on a real Redis."""

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from device_management.device_status.models import ChangedDevice
from device_management.devices import cache as module
from device_management.devices.cache import DeviceCache, Entry, Listing

PROMISED_MS = 5_000
FILL_BY_DEFAULT_MS = module.FILL_MS
FILL_MS = 3_600_000


def entry(revision: int) -> Entry:
    return Entry(1, ("7", "pump-7"), revision, f'"{revision}"', b'{"revision": %d}' % revision)


def changed(revision):
    return ChangedDevice(7, 1, "pump-7", revision)


@pytest.fixture(autouse=True)
def _an_hour(monkeypatch):
    """What is filled lives that long, and tombstones longer: no test is too slow for them."""
    monkeypatch.setattr(module, "FILL_MS", FILL_MS)
    monkeypatch.setattr(module, "TOMBSTONE_MS", FILL_MS + 1_000)


@pytest.fixture
async def redis(redis_url):
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def cache(redis):
    return DeviceCache(redis)


@pytest.fixture
def elsewhere(redis):
    """The cache of another process."""
    return DeviceCache(redis)


async def test_what_was_filled_is_read_by_id_and_by_uid(cache):
    await cache.fill(entry(1), await cache.time_ms())
    for reference in ("7", "pump-7"):
        answer = await cache.get(1, reference)
        assert (answer.etag, answer.body) == ('"1"', b'{"revision": 1}')


async def test_thousands_are_forgotten_at_once(cache, elsewhere):
    await cache.fill(entry(1), await cache.time_ms())
    others = [ChangedDevice(number, 1, f"pump-{number}", 1) for number in range(100, 1_300)]
    await cache.forget([*others, changed(2)])
    assert await elsewhere.get(1, "pump-7") is None


async def test_another_organization_finds_nothing(cache):
    await cache.fill(entry(1), await cache.time_ms())
    assert await cache.get(2, "pump-7") is None


async def test_after_a_commit_nothing_older_is_read_here_or_elsewhere(cache, elsewhere):
    await cache.fill(entry(1), await cache.time_ms())
    await cache.forget([changed(2)])
    assert await cache.get(1, "pump-7") is None
    assert await elsewhere.get(1, "pump-7") is None


async def test_a_read_that_began_before_a_commit_cannot_fill_after_it(cache):
    began = await cache.time_ms()
    await cache.forget([changed(2)])
    await cache.fill(entry(1), began)
    assert await cache.get(1, "pump-7") is None


async def test_an_older_fill_does_not_replace_a_newer_one(cache, elsewhere):
    began = await cache.time_ms()
    await cache.fill(entry(2), began)
    await cache.fill(entry(1), began)
    assert (await elsewhere.get(1, "pump-7")).body == b'{"revision": 2}'


async def test_a_late_tombstone_does_not_remove_what_is_newer(cache, elsewhere):
    await cache.fill(entry(3), await cache.time_ms())
    await cache.forget([changed(2)])
    assert (await elsewhere.get(1, "pump-7")).body == b'{"revision": 3}'


async def test_a_fill_that_comes_after_its_time_vanishes(cache):
    await cache.fill(entry(1), await cache.time_ms() - FILL_MS - 1)
    assert await cache.get(1, "pump-7") is None


async def test_what_is_filled_lives_for_its_time_from_before_its_read(cache, redis):
    read_at = await cache.time_ms()
    await cache.fill(entry(1), read_at)
    assert await redis.pexpiretime("device:1:pump-7") == read_at + FILL_MS


async def test_a_tombstone_lives_longer_than_any_fill_that_it_refuses(cache, redis):
    began = await cache.time_ms()
    await cache.forget([changed(2)])
    assert await redis.pexpiretime("device:1:pump-7") >= began + FILL_MS


def test_what_is_read_is_at_most_five_seconds_old():
    assert PROMISED_MS >= FILL_BY_DEFAULT_MS + 1_000 * module.LOCAL_SECONDS


async def test_redis_away_reads_nothing_and_fails_nothing():
    cache = DeviceCache(Redis.from_url("redis://127.0.0.1:1/0"))
    assert await cache.get(1, "pump-7") is None
    assert await cache.time_ms() is None
    await cache.forget([changed(1)])


PAGE = Listing("cursor", b'{"items": [], "next": "cursor"}')


class TestPages:
    async def test_what_was_filled_is_found_by_the_same_query_of_the_same_organization_alone(self, cache, elsewhere):
        await cache.fill_page(await cache.look(1, "a"), PAGE)
        assert (await elsewhere.look(1, "a")).found == PAGE
        assert (await cache.look(1, "b")).found is None
        assert (await cache.look(2, "a")).found is None

    async def test_after_a_commit_no_page_of_the_organization_is_found(self, cache, elsewhere):
        for organization_id in (1, 2):
            await cache.fill_page(await cache.look(organization_id, "a"), PAGE)
        await cache.forget_pages([1])
        assert (await elsewhere.look(1, "a")).found is None
        assert (await elsewhere.look(2, "a")).found == PAGE

    async def test_a_read_that_began_before_a_commit_cannot_fill_after_it(self, cache, elsewhere):
        look = await cache.look(1, "a")
        await elsewhere.forget_pages([1])
        await cache.fill_page(look, PAGE)
        assert (await cache.look(1, "a")).found is None

    async def test_when_nobody_tells_of_a_commit_a_page_lives_for_its_time_from_before_its_read(self, cache, redis):
        look = await cache.look(1, "a")
        await cache.fill_page(look, PAGE)
        [key] = [key async for key in redis.scan_iter("devices:{1}:*") if not key.endswith(b"count")]
        assert await redis.pexpiretime(key) == look.at_ms + FILL_MS
        await cache.fill_page(replace(look, at_ms=look.at_ms - FILL_MS - 1), PAGE)
        assert (await cache.look(1, "a")).found is None

    async def test_redis_away_finds_nothing_and_fails_nothing(self):
        cache = DeviceCache(Redis.from_url("redis://127.0.0.1:1/0"))
        look = await cache.look(1, "a")
        assert look.found is None
        await cache.fill_page(look, PAGE)
        await cache.forget_pages([1])
