"""The history of presence: what part of a time a device was there, whatever the order of the news."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitoring.fleet.errors import DeviceNotFound
from monitoring.presence.models import NEVER_CONNECTED, Presence
from monitoring.telemetry.errors import BadTimeRange
from monitoring.uptime.consumers import ChangeConsumer
from monitoring.uptime.service import UptimeService
from monitoring.uptime.store import UptimeStore
from shared.clock import FixedClock
from shared.contracts.presence import DeviceConnected, DeviceDisconnected
from shared.http.pagination import BadCursor, encode_cursor

from ..worlds import NOON, envelope_of


class FakePresence:
    """What presence itself says."""

    def __init__(self):
        self.states = {}

    async def state(self, organization_id, uid):
        if organization_id != 1:
            raise DeviceNotFound
        return self.states.get(uid)


def history(uid, *minutes):
    """The news of a device that comes and goes at these minutes after noon, beginning with coming."""
    events, online_ms, since = [], 0, None
    for version, minute in enumerate(minutes, start=1):
        at = NOON + timedelta(minutes=minute)
        online = version % 2 == 1
        online_ms += 0 if online else int((at - since).total_seconds() * 1000)
        kind = DeviceConnected if online else DeviceDisconnected
        events.append(
            kind(organization_id=1, version=version, device_uid=uid, online=online, since=at, online_ms=online_ms)
        )
        since = at
    return events


@pytest.fixture
def presence():
    return FakePresence()


@pytest.fixture
def clock():
    return FixedClock(NOON + timedelta(minutes=100))


@pytest.fixture
async def uptime(database, presence, clock):
    store = UptimeStore(database)
    await store.prepare()
    return UptimeService(store, presence, clock=clock, kept=timedelta(days=400))


@pytest.fixture
def lived(uptime, presence):
    async def lived(uid, *minutes, lost=0):
        """The device has come and gone; the history has not heard of the last `lost` changes."""
        events = history(uid, *minutes)
        last = events[-1]
        presence.states[uid] = Presence(
            uid, last.online, last.since, last.version, NEVER_CONNECTED, 1, online_ms=last.online_ms
        )
        told = events[: len(events) - lost]
        random.Random(uid).shuffle(told)  # noqa: S311 - the same order every time
        await uptime.follow(told)
        await uptime.follow(told)

    return lived


@pytest.fixture
def read(uptime):
    async def read(uid, start=None, end=None, *, cursor=None, limit=50, organization_id=1):
        def at(minute):
            return None if minute is None else NOON + timedelta(minutes=minute)

        return await uptime.history(organization_id, uid, start=at(start), end=at(end), cursor=cursor, limit=limit)

    return read


def minutes(moment):
    return None if moment is None else (moment - NOON).total_seconds() / 60


async def test_a_window_shows_what_touches_it_and_what_part_of_it_was_online(lived, read):
    await lived("a", 10, 20, 40, 70)
    found = await read("a", 15, 60)
    assert [(one.online, minutes(one.since), minutes(one.until)) for one in found.items] == [
        (True, 40, 70),
        (False, 20, 40),
        (True, 10, 20),
    ]
    assert (minutes(found.known_from), found.online_s, found.percent) == (15, 25 * 60, round(100 * 25 / 45, 3))
    assert found.next is None


async def test_before_the_first_news_nothing_is_known_and_nothing_is_counted(lived, read):
    await lived("a", 10, 20)
    found = await read("a", 0, 40)
    assert (minutes(found.known_from), found.percent) == (10, round(100 * 10 / 30, 3))
    assert (await read("a", 0, 5)).known_from is None
    assert (await read("never-there")).model_dump(include={"percent", "items"}) == {"percent": None, "items": []}


async def test_what_lasts_now_is_known_before_its_news_has_arrived(lived, read):
    await lived("a", 10, 20, 40, lost=1)
    found = await read("a", 0, 100)
    assert [(one.online, minutes(one.until)) for one in found.items] == [(True, None), (False, 40), (True, 20)]
    assert found.percent == round(100 * 70 / 90, 3)


async def test_who_has_been_there_for_longer_than_the_history_goes_back_is_there_all_the_time(
    lived, read, uptime, clock
):
    await lived("a", 10)
    clock.advance(timedelta(days=500))
    await uptime.forget()
    found = await read("a")
    assert (found.percent, len(found.items)) == (100.0, 1)


async def test_pages_go_back_without_a_gap(lived, read):
    await lived("a", *range(10, 70, 3))
    whole = (await read("a", 0, 90)).items
    found, cursor = [], None
    while True:
        page = await read("a", 0, 90, cursor=cursor, limit=3)
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    assert found == whole
    assert len(whole) == 20


@hypothesis_settings(max_examples=15)
@given(st.lists(st.integers(1, 99), min_size=1, max_size=9, unique=True), st.integers(0, 98), st.integers(1, 60))
async def test_the_percentage_is_that_of_the_minutes(lived, read, times, start, lasts):
    times = sorted(times)
    uid = f"d-{hash(tuple(times))}"
    await lived(uid, *times)
    end = min(100, start + lasts)
    found = await read(uid, start, end)
    known = range(max(start, times[0]), end)
    online = [minute for minute in known if sum(time <= minute for time in times) % 2 == 1]
    if not known:
        assert found.percent is None
    else:
        assert found.percent == round(100 * len(online) / len(known), 3)
        assert found.online_s == 60 * len(online)


async def test_a_takeover_is_no_change(uptime, read, lived):
    await lived("a", 10)
    [event] = history("a", 10)
    await ChangeConsumer(uptime)([envelope_of(event.model_copy(update={"version": 2}))])
    assert len((await read("a", 0)).items) == 1


async def test_an_empty_window_is_refused_and_another_organizations_device_is_not_there(lived, read, uptime):
    await lived("a", 10)
    for start, end in ((20, 20), (30, 20), (101, None), (None, -(10**9))):
        with pytest.raises(BadTimeRange):
            await read("a", start, end)
    with pytest.raises(DeviceNotFound):
        await read("a", organization_id=2)
    first = datetime(1, 1, 1, tzinfo=UTC)
    assert (await uptime.history(1, "a", start=first, end=None, cursor=None, limit=1)).percent is not None


async def test_who_was_there_before_the_history_begins_counts_as_there_until_the_first_news_in_it(
    lived, read, uptime, clock
):
    day = 24 * 60
    await lived("a", 10, 20, 30, 497 * day)
    clock.advance(timedelta(days=500))
    await uptime.forget()
    found = await read("a", 493 * day, 500 * day)
    assert (minutes(found.known_from), found.percent) == (493 * day, round(100 * 4 / 7, 3))
    assert [(one.online, minutes(one.since)) for one in found.items] == [(False, 497 * day), (True, 30)]


async def test_what_no_window_needs_is_forgotten(lived, uptime, clock, database):
    for uid in ("a", "b"):
        await lived(uid, 10, 20, 30)
    clock.advance(timedelta(days=500))
    await uptime.forget()
    assert await database["presence_history"].distinct("since") == [NOON + timedelta(minutes=30)]


@pytest.mark.parametrize("place", [-62_135_596_800_000, 2**63 - 1])
async def test_a_place_outside_of_all_time_is_none_of_a_page(lived, read, place):
    await lived("a", 10)
    with pytest.raises(BadCursor):
        await read("a", 0, cursor=encode_cursor(place))
