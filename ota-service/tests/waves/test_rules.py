"""Gates: what they say of every count, and when."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ota_service.release_documents.schemas import Gate
from ota_service.releases.models import Tally
from ota_service.waves.rules import FAILING, Times, Verdict, explained, judge, may_begin

NOW = datetime(2026, 11, 21, tzinfo=UTC)
JUST_OPENED = Times(NOW, NOW, None)


def gate(success=90, failure=10, soak_s=0, min_s=0, max_s=None):
    return Gate(success, failure, soak_s, min_s, max_s)


def tally(devices=100, **counts):
    return Tally(devices, **counts)


def opened(minutes_ago, met=None):
    return Times(NOW, NOW - timedelta(minutes=minutes_ago), None if met is None else NOW - timedelta(minutes=met))


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        (tally(), Verdict.OPEN),
        (tally(succeeded=89, initiated=11), Verdict.OPEN),
        (tally(succeeded=90), Verdict.PASSED),
        (tally(succeeded=90, failed=9), Verdict.PASSED),
        (tally(succeeded=90, failed=10), Verdict.FAILURE_THRESHOLD),
        (tally(failed=9), Verdict.OPEN),
        (tally(cancelled=10), Verdict.FAILURE_THRESHOLD),
        (tally(failed=6, cancelled=4), Verdict.FAILURE_THRESHOLD),
        (tally(skipped=100), Verdict.PASSED),
        (tally(skipped=90, failed=1), Verdict.FAILURE_THRESHOLD),
        (tally(0), Verdict.PASSED),
        (tally(3, succeeded=2, failed=1), Verdict.FAILURE_THRESHOLD),
    ],
)
def test_thresholds_are_percent_of_the_devices_that_could_be_updated(counts, verdict):
    assert judge(counts, gate(), JUST_OPENED) == verdict


def test_a_success_threshold_that_can_no_longer_be_met_has_failed_at_once():
    assert judge(tally(failed=10), gate(failure=50), JUST_OPENED) == Verdict.OPEN
    assert judge(tally(failed=11), gate(failure=50), JUST_OPENED) == Verdict.OUT_OF_REACH


def test_it_passes_when_it_has_soaked_and_lasted():
    counts, soaking = tally(succeeded=95), gate(soak_s=600, min_s=3600)
    assert judge(counts, soaking, opened(60)) == Verdict.MET
    assert judge(counts, soaking, opened(60, met=9)) == Verdict.MET
    assert judge(counts, soaking, opened(59, met=10)) == Verdict.MET
    assert judge(counts, soaking, opened(60, met=10)) == Verdict.PASSED


def test_one_that_fails_while_it_soaks_fails():
    assert judge(tally(succeeded=90, failed=10), gate(soak_s=600), opened(60, met=5)) == Verdict.FAILURE_THRESHOLD


def test_one_that_has_not_met_its_threshold_in_time_fails():
    assert judge(tally(succeeded=89), gate(max_s=3600), opened(59)) == Verdict.OPEN
    assert judge(tally(succeeded=89), gate(max_s=3600), opened(60)) == Verdict.TOO_SLOW
    assert judge(tally(succeeded=90), gate(max_s=3600, soak_s=7200), opened(60, met=1)) == Verdict.MET


def test_what_was_forgiven_counts_no_more():
    assert judge(tally(succeeded=50, failed=10), gate(), JUST_OPENED, forgiven=10) == Verdict.OPEN
    assert judge(tally(succeeded=81, failed=10), gate(), JUST_OPENED, forgiven=10) == Verdict.PASSED
    assert judge(tally(succeeded=50, failed=19), gate(), JUST_OPENED, forgiven=10) == Verdict.FAILURE_THRESHOLD


def test_the_first_device_begins_at_once_and_the_others_at_their_pace():
    def may(minutes, handed):
        return may_begin(60, handed=handed, open_for=timedelta(minutes=minutes), most=5_000)

    assert may(0, 0) == 1
    assert may(0, 1) == 0
    assert may(10, 1) == 10
    assert may(10, 50) == 0
    assert may_begin(None, handed=9, open_for=timedelta(0), most=7) == 7
    assert may_begin(1_000_000, handed=0, open_for=timedelta(hours=1), most=7) == 7


def test_why_it_failed_is_a_sentence():
    counts = tally(succeeded=89, failed=11)
    assert explained(Verdict.FAILURE_THRESHOLD, "wave-1", counts, gate()) == (
        "11 of 100 devices of wave-1 were not updated; its failure threshold is 10 percent"
    )
    assert explained(Verdict.OUT_OF_REACH, "wave-1", counts, gate()) == (
        "11 of 100 devices of wave-1 were not updated, so its success threshold of 90 percent is out of reach"
    )
    assert explained(Verdict.TOO_SLOW, "wave-1", counts, gate(max_s=60)) == (
        "89 of 100 devices of wave-1 were updated within 60 s"
    )


counts = st.lists(st.integers(0, 30), min_size=5, max_size=5)
gates = st.builds(gate, success=st.integers(1, 100), failure=st.integers(1, 100))


@given(counts, st.integers(0, 30), gates)
def test_a_wave_whose_devices_have_all_ended_is_decided(ended, waiting, gate):
    succeeded, failed, skipped, cancelled, initiated = ended
    counts = {"succeeded": succeeded, "failed": failed, "skipped": skipped, "cancelled": cancelled}
    done = Tally(sum(counts.values()), **counts)
    assert judge(done, gate, JUST_OPENED) in FAILING | {Verdict.PASSED}
    under_way = Tally(done.devices + waiting + initiated, initiated=initiated, **counts)
    if judge(under_way, gate, JUST_OPENED) == Verdict.PASSED:
        assert succeeded * 100 >= gate.success_threshold * under_way.counted


@given(counts, gates)
def test_a_gate_that_has_failed_stays_so_whatever_the_others_do(ended, gate):
    succeeded, failed, skipped, cancelled, waiting = ended
    devices = sum(ended)
    before = Tally(devices, succeeded=succeeded, failed=failed, cancelled=cancelled, skipped=skipped)
    after = Tally(devices, succeeded=succeeded + waiting, failed=failed, cancelled=cancelled, skipped=skipped)
    if judge(before, gate, JUST_OPENED) in FAILING:
        assert judge(after, gate, JUST_OPENED) in FAILING
