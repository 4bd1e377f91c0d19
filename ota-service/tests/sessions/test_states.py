"""The table of transitions, over every pair of states."""

from itertools import pairwise, product

import pytest

from ota_service.sessions.states import FINAL, OPEN, TRANSITIONS, SessionState, may_become

PATH = ["initiated", "acknowledged", "downloading", "flashed", "completed"]
STEPS = set(pairwise(PATH))
BREAKS_OFF = set(product(PATH[:-1], ["failed", "cancelled", "timed_out"]))


@pytest.mark.parametrize(("state", "target"), list(product(SessionState, SessionState)))
def test_every_pair(state: SessionState, target: SessionState):
    assert may_become(state, target) == ((state, target) in STEPS | BREAKS_OFF)


def test_a_final_state_is_final_and_every_state_has_a_row():
    assert set(TRANSITIONS) == set(SessionState)
    assert not any(TRANSITIONS[state] for state in FINAL)
    assert set(PATH[:-1]) == OPEN


def test_every_open_state_can_end():
    for state in OPEN:
        assert {"failed", "cancelled", "timed_out"} <= TRANSITIONS[state]
