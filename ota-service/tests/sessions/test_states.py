"""The table of transitions, over every pair of states."""

from itertools import pairwise, product

import pytest

from ota_service.sessions.rules import when_cancelled, when_confirmed, when_refused
from ota_service.sessions.states import (
    BEGUN,
    FINAL,
    OPEN,
    TRANSITIONS,
    WAITING,
    SessionState,
    may_become,
    may_deny,
    may_report,
)

PATH = ["held", "initiated", "acknowledged", "downloading", "flashed", "completed"]
BREAKS_OFF = set(product(PATH[:-1], ["failed", "cancelled", "timed_out"]))
STOPS = set(product(["acknowledged", "downloading", "flashed"], ["cancelling"]))
FROM_CANCELLING = set(
    product(["cancelling"], ["acknowledged", "downloading", "flashed", "completed", "failed", "cancelled"])
)
TABLE = set(pairwise(PATH)) | BREAKS_OFF | STOPS | FROM_CANCELLING
PAIRS = list(product(SessionState, SessionState))

NOT_BY_REPORT = STOPS | {
    ("held", "initiated"),
    ("held", "timed_out"),
    ("cancelling", "acknowledged"),
    ("cancelling", "downloading"),
}


@pytest.mark.parametrize(("state", "target"), PAIRS)
def test_every_pair(state: SessionState, target: SessionState):
    assert may_become(state, target) == ((state, target) in TABLE)
    assert may_report(state, target) == ((state, target) in TABLE - NOT_BY_REPORT)
    assert may_deny(state, target) == ((state, target) in TABLE and state == "held")


def test_a_final_state_is_final_and_every_state_has_a_row():
    assert set(TRANSITIONS) == set(SessionState)
    assert not any(TRANSITIONS[state] for state in FINAL)
    assert {*PATH[:-1], "cancelling"} == OPEN == WAITING | BEGUN | {SessionState.CANCELLING}


def test_every_open_state_can_end_by_itself():
    for state in OPEN:
        assert {"failed", "cancelled"} <= TRANSITIONS[state]
        assert TRANSITIONS[state] & {"timed_out"} or state == "cancelling"


@pytest.mark.parametrize("state", list(SessionState))
def test_who_cancels_ends_what_has_not_begun_and_asks_a_device_that_has(state):
    assert when_cancelled(state, force=True) == "cancelled"
    asked = "cancelling" if state in BEGUN or state == "cancelling" else "cancelled"
    assert when_cancelled(state, force=False) == asked


@pytest.mark.parametrize("state", list(SessionState))
def test_a_device_that_refuses_to_stop_goes_on_where_it_was_and_otherwise_nothing_happens(state):
    target = when_refused(state, "downloading")
    if state == "cancelling":
        assert target == "downloading"
    else:
        assert target == state or not may_become(state, target)


@pytest.mark.parametrize("state", list(SessionState))
def test_consent_lets_a_held_session_go_and_comes_too_late_for_an_ended_one(state):
    target = when_confirmed(state)
    assert target == ("initiated" if state == "held" or state in FINAL else state)
    assert may_become(state, target) == (state == "held")
