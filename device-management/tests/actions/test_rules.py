from datetime import timedelta

import pytest

from device_management.actions.rules import USUAL_RETRY, is_news, shown_status, wait_before_retry
from device_management.actions.schemas import Retry
from device_management.actions.states import TRANSITIONS, ActionState, AttemptState, may_become
from device_management.devices.states import Status

S, R, C, F, A = AttemptState


@pytest.mark.parametrize("present", list(ActionState))
@pytest.mark.parametrize("to", list(ActionState))
def test_the_table_of_states_has_these_ways_and_no_others(present: ActionState, to: ActionState):
    ways = {
        ("pending", "running"),
        ("pending", "cancelled"),
        ("pending", "timed_out"),
        ("running", "completed"),
        ("running", "failed"),
        ("running", "cancelled"),
        ("running", "timed_out"),
    }
    assert may_become(present, to) == ((present.value, to.value) in ways)
    assert set(TRANSITIONS) == set(ActionState)


@pytest.mark.parametrize(
    ("state", "progress", "said", "said_progress", "news"),
    [
        (S, None, R, None, True),
        (S, None, C, None, True),
        (R, None, R, None, False),
        (R, None, R, 0, True),
        (R, 50, R, 50, False),
        (R, 50, R, 40, False),
        (R, 50, R, 60, True),
        (R, 50, F, None, True),
        (C, None, C, None, False),
        (C, None, F, None, False),
        (F, None, C, None, False),
        (A, None, C, None, False),
    ],
)
def test_the_first_end_stands_and_progress_does_not_go_back(state, progress, said, said_progress, news):
    assert is_news(state, progress, said, said_progress) is news


def test_the_wait_doubles_and_the_attempts_are_counted():
    retry = {"busy": Retry(max_attempts=4, backoff_s=10)}
    waits = [wait_before_retry(retry, "busy", attempts) for attempts in (1, 2, 3, 4)]
    assert waits == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40), None]


def test_no_wait_is_longer_than_an_hour():
    assert wait_before_retry({"x": Retry(max_attempts=20, backoff_s=3600)}, "x", 19) == timedelta(hours=1)


def test_a_class_without_a_policy_is_not_tried_again_unless_any_is():
    assert wait_before_retry(USUAL_RETRY, None, 1) is None
    assert wait_before_retry(USUAL_RETRY, "no_space", 1) is None
    assert wait_before_retry(USUAL_RETRY, "transient", 1) == timedelta(seconds=30)
    assert wait_before_retry({"any": Retry(max_attempts=2, backoff_s=1)}, "no_space", 1) == timedelta(seconds=1)
    assert wait_before_retry({"failed": Retry(max_attempts=2, backoff_s=1)}, None, 1) == timedelta(seconds=1)


def test_an_update_is_shown_as_such():
    assert shown_status("firmware_update") == shown_status("software_update") == Status.UPDATING
    assert shown_status("dance") == Status.BUSY
