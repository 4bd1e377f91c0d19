"""The resolution fits the time, the devices and what is kept."""

import csv
import io
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.queries.errors import OneScope, TooMuchAsked
from monitoring.queries.models import Span
from monitoring.queries.rules import bucket_lines, plan, sample_lines, scope_of
from monitoring.queries.states import FileFormat, Resolution
from monitoring.rollups.models import DAY, HOUR, MINUTE, Rollup
from monitoring.telemetry.models import PastSample, micros

from ..worlds import NOON

SPAN = Span(raw=NOON - 30 * DAY, minute=NOON - 180 * DAY, hour=NOON - 1095 * DAY, end=NOON + DAY)


def planned(length, *, before=timedelta(0), asked=None, points=300, devices=1):
    return plan(NOON - before - length, NOON - before, asked=asked, points=points, devices=devices, span=SPAN)


@pytest.mark.parametrize(
    ("length", "devices", "resolution", "width"),
    [
        (timedelta(minutes=5), 1, Resolution.RAW, timedelta(seconds=1)),
        (2 * HOUR, 1, Resolution.RAW, timedelta(seconds=30)),
        (2 * HOUR, 100, Resolution.MINUTE, MINUTE),
        (DAY, 1, Resolution.MINUTE, 5 * MINUTE),
        (DAY, 1_000, Resolution.HOUR, HOUR),
        (30 * DAY, 1, Resolution.HOUR, 3 * HOUR),
        (365 * DAY, 100, Resolution.HOUR, 7 * DAY),
    ],
)
def test_the_resolution_fits_time_and_devices(length, devices, resolution, width):
    chosen = planned(length, devices=devices)
    assert chosen.resolution is resolution
    assert chosen.width == (width if length < 365 * DAY else 7 * DAY)


def test_what_is_not_kept_any_more_is_answered_by_rollups():
    assert planned(MINUTE, before=40 * DAY).resolution is Resolution.MINUTE
    assert planned(MINUTE, before=200 * DAY).resolution is Resolution.HOUR


@given(
    length=st.integers(1, 10**8),
    points=st.integers(1, 5_000),
    asked=st.sampled_from([None, *Resolution]),
    before=st.integers(0, 10**8),
)
def test_whole_buckets_cover_the_time_and_are_not_many_more_than_asked_for(length, points, asked, before):
    length, before = timedelta(seconds=length), timedelta(seconds=before)
    try:
        chosen = planned(length, before=before, points=points, asked=asked)
    except TooMuchAsked:
        assert asked is not None
        return
    width = chosen.width
    assert chosen.start.timestamp() % width.total_seconds() == chosen.end.timestamp() % width.total_seconds() == 0
    assert width >= chosen.resolution.unit
    if chosen.width > chosen.resolution.unit or asked is None:
        assert (chosen.end - chosen.start) / width <= max(points, length / width) + 2
    if before + length < 30 * DAY:
        assert chosen.start <= NOON - before - length
        assert chosen.end >= NOON - before


@pytest.mark.parametrize(
    ("length", "devices", "asked", "said"),
    [
        (
            49 * HOUR,
            1,
            Resolution.RAW,
            "at most 48 hours of devices with resolution raw, and this asks for 49: name fewer",
        ),
        (DAY, 1_000, Resolution.MINUTE, "asks for 24,000: name fewer devices, a shorter time, or leave the resolution"),
        (
            600 * DAY,
            100,
            None,
            "at most 50,000 days of devices at the coarsest resolution, and this asks for 60,100: name",
        ),
    ],
)
def test_too_much_is_refused_with_what_to_ask_instead(length, devices, asked, said):
    with pytest.raises(TooMuchAsked, match=said):
        planned(length, devices=devices, asked=asked)


def test_devices_are_named_in_one_way():
    assert scope_of(["a"], None, None).device_uids == {"a"}
    assert scope_of([], None, None).device_uids is None
    for given_ in ((["a"], 1, None), ([], 1, "eq(a,1)"), (["a"], None, "")):
        with pytest.raises(OneScope):
            scope_of(*given_)


def test_cells_that_look_like_formulas_are_defused():
    at = NOON
    found = PastSample(f"{micros(at):016x}::1", at, at, {"a": "=1+1", "b": -1.5, "c": True, "d": "'@x", "e": 'x,\n"y'})
    rows = list(csv.reader(io.StringIO(sample_lines(FileFormat.CSV, "-dev", [found], None), newline="")))
    assert [row[0] for row in rows] == ["'-dev"] * 5
    assert [row[3:] for row in rows] == [["a", "'=1+1"], ["b", "-1.5"], ["c", "true"], ["d", "''@x"], ["e", 'x,\n"y']]
    [line] = sample_lines(FileFormat.NDJSON, "-dev", [found], frozenset("ab")).splitlines()
    assert json.loads(line) == {
        "device_uid": "-dev",
        "ts": "2026-11-21T12:00:00Z",
        "received_at": "2026-11-21T12:00:00Z",
        "metrics": {"a": "=1+1", "b": -1.5},
    }


def test_buckets_are_rows_too():
    text, number = Rollup(), Rollup()
    text.add(1, "@sum")
    number.add(1, 2.0)
    rows = list(csv.reader(io.StringIO(bucket_lines(FileFormat.CSV, "p", NOON, {"t": text, "n": number}), newline="")))
    assert rows == [
        ["p", "2026-11-21T12:00:00Z", "n", "1", "2.0", "2.0", "2.0", "2.0", "2.0"],
        ["p", "2026-11-21T12:00:00Z", "t", "1", "", "", "", "'@sum", "'@sum"],
    ]
