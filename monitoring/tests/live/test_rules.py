"""Frames are thinned out without losing the newest of anything; talk is told from floods."""

from hypothesis import given
from hypothesis import strategies as st

from monitoring.live.rules import Budget, StateConflation, TelemetryConflation
from shared.contracts.live import PresenceItem, TelemetryItem, UpdateItem

TELEMETRY = st.lists(
    st.builds(
        TelemetryItem,
        st.sampled_from(["a", "b"]),
        st.integers(0, 5),
        st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9).map(float), min_size=1),
    )
)
PRESENCE = st.lists(
    st.integers(1, 6).map(lambda version: PresenceItem("a", version % 2 == 1, version * 1_000, version)), min_size=1
)


@given(TELEMETRY, st.lists(st.integers(0, 20)))
def test_the_newest_value_of_every_metric_passes_with_its_own_time(items, cuts):
    conflation, taken = TelemetryConflation(), []
    start = 0
    for cut in sorted({min(cut, len(items)) for cut in cuts} | {len(items)}):
        conflation.add(items[start:cut])
        taken += conflation.take()
        start = cut
    assert conflation.take() == []

    def newest(seen):
        found = {}
        for item in seen:
            for name, value in item.metrics.items():
                if found.get((item.device_uid, name), (-1,))[0] <= item.ts:
                    found[item.device_uid, name] = (item.ts, value)
        return found

    assert newest(taken) == newest(items)
    assert all(any(one.ts == item.ts and one.device_uid == item.device_uid for item in items) for one in taken)


@given(TELEMETRY)
def test_a_frame_is_no_larger_than_the_fleet_has_metrics(items):
    conflation = TelemetryConflation()
    for _ in range(10):
        conflation.add(items)
    assert sum(len(item.metrics) for item in conflation.take()) <= 2 * 3


@given(PRESENCE)
def test_the_presence_with_the_greatest_version_passes(items):
    conflation = StateConflation()
    conflation.add(items)
    [one] = conflation.take()
    assert one.version == max(item.version for item in items)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 5)), min_size=1))
def test_the_newest_session_of_a_device_passes_in_its_newest_version(orders):
    conflation = StateConflation()
    for counter, version in orders:
        conflation.add([UpdateItem("a", f"s{counter}", counter, version, "initiated", None, "f", "2.0.0", None, 5)])
    [one] = conflation.take()
    assert (one.counter, one.version) == max(orders)


def test_a_budget_allows_a_burst_and_then_a_rate():
    budget = Budget(rate=10, burst=3, now=0.0)
    assert [budget.spend(0.0) for _ in range(4)] == [True, True, True, False]
    assert budget.spend(0.05) is False
    assert [budget.spend(0.15), budget.spend(0.15)] == [True, False]
    assert [budget.spend(100.0) for _ in range(4)] == [True, True, True, False]
