"""Where samples lie and what identifies them."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from monitoring.organizations.models import Retention
from monitoring.telemetry.models import Arrival, Counts, days, key_range, micros, moment, packed, time_of, unpacked
from monitoring.telemetry.rules import is_past, newest, place, readable, touched_by

from ..worlds import NOON, sample

MOMENTS = st.integers(-50 * 86_400 * 10**6, 50 * 86_400 * 10**6).map(lambda us: NOON + timedelta(microseconds=us))
UIDS = st.text("abzABZ019_-", min_size=1, max_size=8)
METRICS = st.dictionaries(
    st.sampled_from("abc"), st.floats(allow_nan=False) | st.booleans() | st.text(max_size=3), min_size=1
)
SAMPLES = st.builds(
    sample,
    ts=MOMENTS,
    seq=st.none() | st.integers(0, 2**63 - 1),
    boot=st.none() | st.text("ab01", min_size=1, max_size=4),
)


def placed(one, *, uid="pump-1", received_at=NOON, origin="body-1-0", retention_days=30):
    return place(Arrival(uid, one, received_at, origin), Retention("standard", retention_days))


@given(one=SAMPLES, uid=UIDS, received_at=MOMENTS, again=MOMENTS)
def test_a_sample_that_comes_again_has_the_same_key_and_day_whenever_that_is(one, uid, received_at, again):
    first, second = (
        placed(one, uid=uid, received_at=received_at),
        placed(one, uid=uid, received_at=again, origin="other"),
    )
    assume(first is not None and second is not None)
    assert first.key == second.key
    if first.day and second.day:
        assert first.day == second.day == one.time().date()


@given(one=MOMENTS, other=MOMENTS, uid=UIDS, other_uid=UIDS, boot=st.none() | st.just("b"))
def test_keys_sort_by_device_then_time(one, other, uid, other_uid, boot):
    a, b = placed(sample(one, 1, boot), uid=uid), placed(sample(other, 1, boot), uid=other_uid)
    assume(a is not None and b is not None)
    if uid == other_uid:
        assert (a.key < b.key) == (one < other)
    first, last = key_range(uid, min(one, other), max(one, other))
    assert (first <= b.key < last) == (uid == other_uid and min(one, other) <= other < max(one, other))


@given(MOMENTS)
def test_times_survive_their_key(at):
    assert moment(micros(at)) == at
    assert time_of(placed(sample(at, 1), received_at=at).key.removeprefix("pump-1:")) == at


def test_the_key_is_uid_time_boot_and_seq():
    assert placed(sample(NOON, 17, "b1")).key == f"pump-1:{micros(NOON):016x}:b1:17"


def test_without_seq_the_metrics_tell_samples_of_one_moment_apart():
    keys = {placed(sample(NOON, temperature=value)).key for value in (1.0, 2.0, 1.0)}
    assert len(keys) == 2
    assert placed(sample(NOON, a=1.0, b=2.0)).key == placed(sample(NOON, b=2.0, a=1.0)).key


def test_reboots_and_restarted_counters_do_not_collide():
    keys = {placed(sample(NOON, seq, boot)).key for seq in (0, 1) for boot in ("b1", "b2", None)}
    assert len(keys) == 6


def test_without_time_and_seq_the_origin_identifies_the_sample():
    assert placed(sample(None), origin="id-1-0").key != placed(sample(None), origin="id-1-1").key
    assert placed(sample(None, seq=3), origin="id-1-0").key == placed(sample(None, seq=3), origin="id-2-0").key


def test_a_sample_lies_in_the_day_of_its_own_time():
    assert placed(sample(NOON - timedelta(days=3))).day == date(2026, 11, 18)
    assert placed(sample(NOON + timedelta(days=1))).day == date(2026, 11, 22)


def test_missing_times_and_times_ahead_are_undated_and_ordered_by_receipt():
    for at in (None, NOON + timedelta(days=2), datetime(2099, 1, 1, tzinfo=UTC)):
        one = placed(sample(at))
        assert one.day is None
        assert one.ts == micros(NOON)


def test_the_oldest_day_kept_is_the_retention_before_today():
    assert placed(sample(NOON - timedelta(days=30))).day == date(2026, 10, 22)
    assert placed(sample(NOON - timedelta(days=31))) is None
    assert placed(sample(datetime(1970, 1, 1, tzinfo=UTC))) is None


def test_what_can_be_read_is_what_is_kept():
    first, last = readable(None, None, now=NOON, retention_days=30)
    assert (first, last) == (datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
    long_ago, far_ahead = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    assert readable(long_ago, far_ahead, now=NOON, retention_days=30) == (first, last)
    assert len(list(days(first, last))) == 32


def test_no_day_is_dropped_that_can_still_be_read_or_written():
    oldest = NOON.date() - timedelta(days=30)
    assert not is_past(oldest, now=NOON, retention_days=30)
    assert not is_past(oldest - timedelta(days=1), now=NOON, retention_days=30)
    assert is_past(oldest - timedelta(days=2), now=NOON, retention_days=30)


@given(
    times=st.lists(st.tuples(st.integers(0, 3), METRICS), min_size=1, max_size=8),
    order=st.randoms(use_true_random=False),
)
def test_the_newest_of_a_batch_does_not_depend_on_its_order(times, order):
    arrived = [placed(sample(NOON - timedelta(seconds=ago), n, **metrics)) for n, (ago, metrics) in enumerate(times)]
    shuffled = list(arrived)
    order.shuffle(shuffled)
    [one], [other] = newest(arrived), newest(shuffled)
    assert one == other
    for name, reading in one.metrics.items():
        assert reading.ts == max(sample.ts for sample in arrived if name in sample.metrics)


@given(st.lists(st.tuples(st.integers(0, 9), METRICS), min_size=1, max_size=9, unique_by=lambda one: one[0]), st.data())
def test_packed_samples_come_back_in_order_and_once(told, data):
    samples = [placed(sample(NOON + timedelta(seconds=seq), seq, "b1", **metrics)) for seq, metrics in told]
    cut = data.draw(st.integers(0, len(samples)))
    found = unpacked([packed(samples[:cut]), packed(samples)])
    assert [(one.boot_and_seq, one.ts, one.metrics) for one in found] == [
        (("b1", seq), NOON + timedelta(seconds=seq), metrics) for seq, metrics in sorted(told, key=lambda one: one[0])
    ]


def test_a_batch_tells_new_samples_as_far_as_there_is_room_and_of_others_the_minute():
    first, second, again, undated = (
        placed(sample(NOON + timedelta(minutes=1), 1)),
        placed(sample(NOON + timedelta(minutes=2), 2)),
        placed(sample(NOON + timedelta(minutes=3), 3)),
        placed(sample(None)),
    )
    minute, day = int(NOON.timestamp()) // 60, int(NOON.timestamp()) // 86_400
    totals = {("pump-1", day): Counts(received=4)}
    samples, duplicates = [first, second, again, undated], {again.key, undated.key}
    [touched] = touched_by(samples, duplicates, "x", totals, room=len(packed([first])))
    assert touched.fresh == {minute + 1: packed([first])}
    assert sorted(touched.minutes) == [minute + 2, minute + 3]
    assert (touched.recount, touched.counts) == ((day,), {day: Counts(received=4)})
