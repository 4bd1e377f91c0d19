"""How devices are compared: worse than tolerated, and not by chance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.canary.models import Criterion, Figure
from monitoring.canary.rules import chosen, judged, weighed, weighed_alerts
from monitoring.canary.states import Verdict

STEADY = [20.0, 20.1, 19.9, 20.05, 19.95, 20.0, 20.1, 19.9]


def means(values):
    return {f"pump-{number}": value for number, value in enumerate(values)}


def compare(ours, theirs, *, worse="higher", tolerance=10, at_least=5):
    return weighed(Criterion("temperature", worse, tolerance), means(ours), means(theirs), at_least=at_least).verdict


@pytest.mark.parametrize(
    ("ours", "worse", "verdict"),
    [
        (STEADY, "higher", Verdict.PASSED),
        ([one * 1.09 for one in STEADY], "higher", Verdict.PASSED),
        ([one * 1.2 for one in STEADY], "higher", Verdict.FAILED),
        ([one * 1.2 for one in STEADY], "lower", Verdict.PASSED),
        ([one * 0.8 for one in STEADY], "lower", Verdict.FAILED),
        ([20, 20, 20, 20, 20, 60], "higher", Verdict.INCONCLUSIVE),
        ([30, 30, 30, 30], "higher", Verdict.INCONCLUSIVE),
        ([float("nan"), float("inf"), 30, 30, 30, 30], "higher", Verdict.INCONCLUSIVE),
        ([22.1] * 5, "higher", Verdict.FAILED),
    ],
)
def test_a_metric_by_the_means_of_the_devices(ours, worse, verdict):
    theirs = [20.0] * 8 if ours == [22.1] * 5 else STEADY
    assert compare(ours, theirs, worse=worse) is verdict


def test_values_whose_squares_are_too_small_for_a_number_are_compared_all_the_same():
    tiny = [one * 1e-100 for one in STEADY]
    assert compare([one * 1.2 for one in tiny], tiny) is Verdict.FAILED
    assert compare(tiny, tiny) is Verdict.PASSED


def test_an_alert_on_one_of_few_devices_is_a_persons_matter_and_on_most_a_failure():
    wave, others = [f"a-{n}" for n in range(10)], [f"b-{n}" for n in range(50)]

    def weigh(*opened):
        return weighed_alerts(wave, others, opened, at_least=5)

    assert weigh().verdict is Verdict.PASSED
    assert weigh("a-1", "b-1").verdict is Verdict.PASSED
    assert weigh("a-1", "a-2").verdict is Verdict.INCONCLUSIVE
    assert weigh(*wave[:6]).verdict is Verdict.FAILED
    assert weigh(*wave[:6], *others[:30]).verdict is Verdict.PASSED


def test_one_failure_fails_and_anything_uncertain_leaves_all_uncertain():
    def figure(verdict):
        return Figure("temperature", verdict, 5, 1.0, 5, 1.0)

    passed, failed, uncertain = map(figure, (Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE))
    assert judged([passed, failed, uncertain], at_least=5).verdict is Verdict.FAILED
    assert judged([passed, uncertain], at_least=5).verdict is Verdict.INCONCLUSIVE
    assert judged([passed], at_least=5).verdict is Verdict.PASSED
    assert judged([], at_least=5).verdict is Verdict.INCONCLUSIVE


numbers = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=8)


@given(numbers, numbers, st.integers(0, 1000))
def test_whatever_devices_say_there_is_a_verdict(ours, theirs, tolerance):
    assert compare(ours, theirs, tolerance=tolerance, at_least=2) in Verdict


@given(st.sets(st.text(min_size=1, max_size=3), max_size=8))
def test_the_choice_of_devices_is_the_same_in_every_worker(uids):
    assert chosen(7, uids) == chosen(7, sorted(uids, reverse=True))


@pytest.mark.parametrize(
    ("ours", "at_least", "said"),
    [
        ([22.0] * 4, 5, "over 8 others, and nothing is certain with fewer than 5 on either side"),
        ([22.5], 0, "over 8 others, and nothing is certain with fewer than 2 on either side"),
        ([], 3, "0 devices of the wave and 8 others say anything of it, and nothing is certain with fewer than 3"),
        ([20, 20, 20, 20, 20, 60], 5, "over 8 others, which may be chance"),
    ],
)
def test_what_leaves_it_uncertain_is_said(ours, at_least, said):
    figure = weighed(Criterion("temperature", "higher", 10), means(ours), means(STEADY), at_least=at_least)
    assert said in judged([figure], at_least=at_least).detail
