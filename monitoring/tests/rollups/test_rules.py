"""Samples become minutes, minutes hours, and percentiles are close."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.rollups.models import (
    MAX_BINS,
    MAX_METRICS,
    MINUTE,
    Account,
    Bucket,
    DayCounted,
    DeviceHour,
    HourChange,
    Mark,
    Rollup,
    Seqs,
    Sketch,
)
from monitoring.rollups.rules import account, add_samples, bounded, by_due_time, combined, device_hours, merged, runs
from monitoring.telemetry.models import Counts, PastSample, micros

from ..worlds import NOON

NUMBERS = st.floats(-1e12, 1e12).filter(lambda number: number == 0 or abs(number) > 1e-12)


def past(seconds, *, boot="", last="1", **metrics):
    at = NOON + timedelta(seconds=seconds)
    return PastSample(f"{micros(at):016x}:{boot}:{last}", at, at, metrics)


def sketched(numbers):
    sketch = Sketch()
    for number in numbers:
        sketch.add(number)
    return sketch


@given(st.lists(NUMBERS, min_size=1, max_size=200), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_within_one_percent(numbers, part):
    exact = sorted(numbers)[math.floor(part * (len(numbers) - 1))]
    assert sketched(numbers).quantile(part) == pytest.approx(exact, rel=0.0101)


def rolled_up(values):
    rollup = Rollup()
    for value in values:
        rollup.add(1, value)
    return rollup


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_of_booleans_is_one_of_them(values, part):
    assert rolled_up(values).quantile(part) == sorted(values)[math.floor(part * (len(values) - 1))]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50), st.floats(0, 1))
def test_a_quantile_lies_between_the_least_and_the_greatest(numbers, part):
    quantile = rolled_up(numbers).quantile(part)
    assert quantile is not None
    assert min(numbers) <= quantile <= max(numbers)


@given(st.lists(st.floats(0, 2), min_size=1, max_size=50), st.sampled_from([0.0, 0.5, 0.9, 1.0]))
def test_a_quantile_of_small_numbers_is_near_one_of_them(numbers, part):
    exact = sorted(numbers)[math.floor(part * (len(numbers) - 1))]
    assert rolled_up(numbers).quantile(part) == pytest.approx(exact, rel=0.0101)


@given(st.lists(st.lists(NUMBERS, max_size=30), max_size=8))
def test_merged_sketches_are_the_sketch_of_all(parts):
    whole = Sketch()
    for part in parts:
        whole.merge(sketched(part))
    assert whole == sketched([number for part in parts for number in part])


@pytest.mark.parametrize(("decades", "error"), [(2, 0.01), (4, 0.02), (8, 0.04), (16, 0.08)])
def test_a_sketch_stays_small_and_its_error_doubles_with_the_decades_of_its_numbers(decades, error):
    numbers = [10 ** (decades * step / 4_000) for step in range(4_001)]
    sketch = sketched(numbers)
    assert len(sketch.above) <= MAX_BINS
    for percent in (0, 1, 50, 90, 99, 100):
        assert sketch.quantile(percent / 100) == pytest.approx(numbers[40 * percent], rel=error + 1e-3)


def test_a_coarse_sketch_takes_in_a_fine_one():
    coarse, fine = sketched(10 ** (step / 100) for step in range(1_601)), sketched([5.0, 7.0])
    coarse.merge(fine)
    assert len(coarse.above) <= MAX_BINS
    assert sum(coarse.above.values()) == 1_601 + 2


@pytest.mark.parametrize("number", [1.7e308, -1.7e308, 5e-324, 0.0])
def test_the_widest_numbers_have_a_place(number):
    rollup = Rollup()
    for _ in range(3):
        rollup.add(1, number)
    assert rollup.quantile(0.5) == number
    assert rollup.mean in (None, number)


def test_a_minute_knows_its_numbers_booleans_and_text():
    buckets = {}
    add_samples(buckets, [past(0, t=1.0, on=True, door="open"), past(30, t=3.0, on=False), past(59, door="x" * 99)])
    add_samples(buckets, [past(60, t=9.0)])
    [first, second] = [buckets[minute] for minute in sorted(buckets)]
    assert (first.samples, second.samples) == (3, 1)
    t, on, door = first.metrics["t"], first.metrics["on"], first.metrics["door"]
    assert (t.count, t.mean, t.least, t.greatest, t.first, t.last) == (2, 2.0, 1.0, 3.0, 1.0, 3.0)
    assert (on.count, on.mean, on.last) == (2, 0.5, False)
    assert (door.count, door.numbers, door.mean, door.least) == (2, 0, None, None)
    assert (door.first, door.last) == ("open", "x" * 64)


@given(st.lists(st.tuples(st.integers(0, 3_599), st.floats(-50, 50)), min_size=1, max_size=40))
def test_an_hour_of_minutes_is_the_hour_of_their_samples(values):
    samples = [past(second, t=value) for second, value in sorted(values)]
    minutes = {}
    add_samples(minutes, samples)
    whole = combined(minutes[minute] for minute in sorted(minutes))
    rollup = Rollup()
    for one in samples:
        rollup.add(micros(one.ts), one.metrics["t"])
    found = whole.metrics["t"]
    assert found.total == pytest.approx(rollup.total)
    found.total = rollup.total = 0.0
    assert found == rollup


def test_a_bucket_keeps_to_its_room():
    bucket = Bucket(1, {}, {f"m{number:04}": Rollup() for number in range(MAX_METRICS + 9)})
    assert list(bounded(bucket).metrics) == [f"m{number:04}" for number in range(MAX_METRICS)]


def test_seqs_that_are_missing_are_counted_boot_by_boot():
    buckets = {}
    add_samples(buckets, [past(0, boot="a", last="1"), past(1, boot="a", last="4"), past(2, boot="b", last="0")])
    add_samples(
        buckets, [past(3, boot="b", last="1"), past(4, boot="b", last="0123abcd"), past(70, boot="a", last="9")]
    )
    days = [DayCounted("p", 5, [one.boots for one in buckets.values()], 0, [])]
    assert account(days).gaps == 2 + 4


@given(st.lists(st.integers(0, 30), unique=True).map(sorted))
def test_runs_cover_exactly_the_minutes(minutes):
    assert [minute for first, end in runs(minutes) for minute in range(first, end)] == minutes


def test_of_two_totals_of_a_process_the_later_counts():
    early, late = (
        Mark("p", (1,), (), {"x": {7: Counts(received=1)}}),
        Mark("p", (2,), (), {"x": {7: Counts(received=3)}}),
    )
    assert merged([early, late]) == merged([late, early]) == [Mark("p", (1, 2), (), {"x": {7: Counts(received=3)}})]


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (DayCounted("p", 8, [], 0, [Counts(10, 1, 0, 4, 1)]), Account(4, 10, 8, 0, 1, 1, 1, 0)),
        (DayCounted("p", 8, [], 3, [Counts(9, 0, 1), Counts(3)]), Account(0, 12, 11, 3, 1, 0, 0, 0)),
        (DayCounted("p", 8, [], 0, []), Account(0, 8, 8, 0, 0, 0, 0, 0)),
    ],
)
def test_an_account_adds_up(day, found):
    assert account([day]) == found
    assert found.received == found.stored + found.duplicate + found.expired


def test_seqs_never_miss_less_than_nothing():
    assert Seqs(5, 1, 2).missing == 0


def test_a_minute_is_due_when_it_is_over_and_what_was_counted_with_the_last():
    minute = int(NOON.timestamp()) // 60
    counts = {"x": {7: Counts(received=3)}}
    mark = Mark("p", minutes=(3,), counts=counts, fresh={minute - 1: (b"a",), minute: (b"b",), minute + 9: (b"c",)})
    later = NOON + MINUTE / 2
    assert by_due_time([mark], later, MINUTE) == {
        later: [Mark("p", fresh={minute - 1: (b"a",)})],
        NOON + 1.25 * MINUTE: [Mark("p", fresh={minute: (b"b",)})],
        later + 2 * MINUTE: [Mark("p", minutes=(3,), counts=counts, fresh={minute + 9: (b"c",)})],
    }
    assert by_due_time([mark], later, 0 * MINUTE) == {later: [mark]}
    assert by_due_time([Mark("p", counts=counts)], later, MINUTE) == {later: [Mark("p", counts=counts)]}


def test_a_minute_of_which_anything_must_be_read_is_read():
    marks = merged([Mark("p", fresh={60: (b"a",), 61: (b"b",)}), Mark("p", minutes=(61, 120), fresh={60: (b"c",)})])
    assert device_hours(marks) == {
        DeviceHour("p", 1): HourChange(read={61}, fresh={60: (b"a", b"c")}),
        DeviceHour("p", 2): HourChange(read={120}),
    }
