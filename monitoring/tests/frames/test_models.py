"""Frames are thinned out without losing the newest of anything."""

from hypothesis import given
from hypothesis import strategies as st

from monitoring.frames.models import StateConflation, TelemetryConflation
from shared.contracts.live import (
    ActionItem,
    ConfigurationItem,
    ConfigurationJobItem,
    PresenceItem,
    TelemetryItem,
    UpdateItem,
)

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


def action(action_id, version):
    times = {"requested_at": 1, "started_at": None, "completed_at": None, "deadline": 9, "updated_at": 1}
    about = {"action_type": "system_reboot", "state": "running", "progress": None, "error": None}
    more = {"attempt": 1, "priority": 5, "bulk_id": None, "requested_by": "7"}
    return ActionItem(action_id=action_id, device_uid="a", version=version, **about, **more, **times)


def test_two_actions_of_one_device_are_two_things():
    conflation = StateConflation()
    conflation.add([action(1, 3), action(2, 1), action(1, 2)])
    assert {(one.action_id, one.version) for one in conflation.take()} == {(1, 3), (2, 1)}


def test_a_job_and_a_device_of_one_name_are_two_things():
    conflation = StateConflation()
    job = ConfigurationJobItem("a", "r", 1, "running", 2, 1, 1, 0, 0, 0, "7", 1, None, 1)
    conflation.add([job, ConfigurationItem("a", 1, 1, None, None, 1)])
    assert len(conflation.take()) == 2
