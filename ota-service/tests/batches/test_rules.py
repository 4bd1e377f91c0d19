"""Maintenance windows by the clock on the wall, and what becomes of devices; without a database."""

from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ota_service.batch_runs.rules import TRY_AGAIN, Span, divide, ended, next_opening, opened, outcome, zone_of
from ota_service.batch_runs.schemas import Turn
from ota_service.batches.schemas import WEEKDAYS, Window
from ota_service.batches.states import DEVICE_TRANSITIONS, TRANSITIONS, BatchState, DeviceState
from ota_service.sessions.schemas import EndedSession, Opening
from ota_service.sessions.states import SessionState

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def at(*moment):
    return datetime(2026, *moment, tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "now", "opens", "closes"),
    [
        (Window(begins=time(2), ends=time(4)), at(11, 21, 0), at(11, 21, 1), at(11, 21, 3)),
        (Window(begins=time(2), ends=time(4)), at(11, 21, 2), at(11, 21, 1), at(11, 21, 3)),
        (Window(begins=time(2), ends=time(4)), at(11, 21, 3), at(11, 22, 1), at(11, 22, 3)),
        (Window(begins=time(22), ends=time(4), days=["fri"]), at(11, 21, 2), at(11, 20, 21), at(11, 21, 3)),
        (Window(begins=time(22), ends=time(4), days=["fri"]), at(11, 21, 3), at(11, 27, 21), at(11, 28, 3)),
        (Window(begins=time(0), ends=time(0)), at(11, 21, 12), at(11, 20, 23), at(11, 21, 23)),
        # The clock goes from 2:00 to 3:00 on the 29th of March, and from 3:00 to 2:00 on the 25th of October.
        (Window(begins=time(1), ends=time(4)), at(3, 28, 12), at(3, 29, 0), at(3, 29, 2)),
        (Window(begins=time(2), ends=time(3)), at(3, 28, 12), at(3, 30, 0), at(3, 30, 1)),
        (Window(begins=time(2, 30), ends=time(3, 30)), at(10, 24, 12), at(10, 25, 0, 30), at(10, 25, 2, 30)),
        (Window(begins=time(2), ends=time(2, 30)), at(10, 24, 12), at(10, 25, 0), at(10, 25, 1, 30)),
    ],
)
def test_a_window_is_open_by_the_clock_on_the_wall(window, now, opens, closes):
    assert next_opening(window, BERLIN, now) == Span(opens, closes)


@given(
    st.times(),
    st.times(),
    st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    st.integers(0, 20 * 365 * 24 * 60).map(
        lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(sorted(available_timezones())),
)
def test_every_window_opens_again_and_is_never_over_already(begins, ends, days, now, zone):
    window = Window(
        begins=begins.replace(second=0, microsecond=0), ends=ends.replace(second=0, microsecond=0), days=sorted(days)
    )
    span = next_opening(window, ZoneInfo(zone), now)
    assert span.closes > now
    assert span.closes > span.opens
    assert span.opens <= now + timedelta(days=15)


@pytest.mark.parametrize("name", [None, "", "nowhere", "../etc/passwd", "Europe", "a\0b", "UTC"])
def test_a_zone_that_there_is_not_is_utc(name):
    assert str(zone_of(name)) == "UTC"


def turn(uid="pump-1", **differs):
    return Turn(**{"device_uid": uid, "firmware_ids": None, "wait_until": None, "time_zone": None, **differs})


def test_devices_of_different_zones_have_their_turns_at_different_times():
    window = Window(begins=time(12), ends=time(14))
    turns = [turn("here"), turn("berlin", time_zone="Europe/Berlin"), turn("tokyo", time_zone="Asia/Tokyo")]
    divided = divide(turns, window, now=NOW, lasting=DAY)
    assert {key: [some.device_uid for some in found] for key, found in divided.open.items()} == {
        (None, at(11, 21, 14)): ["here"],
        (None, at(11, 21, 13)): ["berlin"],
    }
    [closed] = divided.closed
    assert (closed.device_uid, closed.state, closed.next_at) == ("tokyo", DeviceState.PENDING, at(11, 22, 3))
    assert (closed.reason, closed.wait_until) == ("outside_window", NOW + DAY)


def test_a_busy_device_waits_until_it_has_waited_long_enough():
    busy = Opening("pump-1", None, "update_open", "it is being updated already")
    waits = opened(turn(), busy, now=NOW, lasting=DAY)
    assert (waits.state, waits.next_at, waits.wait_until) == (DeviceState.PENDING, NOW + TRY_AGAIN, NOW + DAY)
    failed = opened(turn(wait_until=NOW), busy, now=NOW, lasting=DAY)
    assert (failed.state, failed.reason) == (DeviceState.FAILED, "update_open")


def test_what_stands_in_the_way_for_good_skips_a_device():
    change = opened(turn(), Opening("pump-1", None, "hardware_mismatch", "other hardware"), now=NOW, lasting=DAY)
    assert (change.state, change.reason, change.detail) == (DeviceState.SKIPPED, "hardware_mismatch", "other hardware")


@pytest.mark.parametrize(
    ("state", "wait_until", "becomes"),
    [
        (SessionState.COMPLETED, None, DeviceState.SUCCEEDED),
        (SessionState.FAILED, NOW + DAY, DeviceState.FAILED),
        (SessionState.CANCELLED, NOW + DAY, DeviceState.CANCELLED),
        (SessionState.TIMED_OUT, None, DeviceState.FAILED),
        (SessionState.TIMED_OUT, NOW, DeviceState.FAILED),
        (SessionState.TIMED_OUT, NOW + DAY, DeviceState.PENDING),
    ],
)
def test_what_the_end_of_its_session_makes_of_a_device(state, wait_until, becomes):
    change = ended(EndedSession(uuid4(), "pump-1", state, "said"), wait_until=wait_until, now=NOW)
    assert change.state == becomes
    assert becomes in DEVICE_TRANSITIONS[DeviceState.INITIATED]


def test_a_batch_has_failed_when_none_succeeded_and_some_failed():
    ends = {
        (succeeded, failed): outcome(succeeded=succeeded, failed=failed) for succeeded in (0, 1) for failed in (0, 1)
    }
    assert [counts for counts, state in ends.items() if state == BatchState.FAILED] == [(0, 1)]


def test_the_tables_name_every_state():
    assert set(TRANSITIONS) == set(BatchState)
    assert set(DEVICE_TRANSITIONS) == set(DeviceState)
