"""Every pair of states, and what follows for the parts of a release."""

from datetime import UTC, datetime
from itertools import product

import pytest

from ota_service.releases.models import ReleaseWave, Tally
from ota_service.releases.rules import cluster_state, progress, wave_state
from ota_service.releases.states import STEPPED, TRANSITIONS, ReleaseState, may_become

ALLOWED = {
    "draft": "scheduled running cancelled",
    "scheduled": "running cancelled",
    "running": "paused completed failed cancelled rolling_back",
    "paused": "running cancelled rolling_back",
    "completed": "running rolling_back",
    "failed": "rolling_back",
    "cancelled": "rolling_back",
    "rolling_back": "rolled_back",
    "rolled_back": "",
}
AT = datetime(2026, 11, 21, tzinfo=UTC)
OPENED, PASSED, FAILED = {"opened_at": AT}, {"opened_at": AT, "passed_at": AT}, {"opened_at": AT, "failed_at": AT}
GOING, DONE = Tally(10, initiated=3, succeeded=7), Tally(10, succeeded=9, failed=1)


@pytest.mark.parametrize(("state", "target"), list(product(ReleaseState, ReleaseState)))
def test_every_pair(state, target):
    assert may_become(state, target) == (target in ALLOWED[state].split())


def test_every_state_is_final_or_goes_on_or_waits_for_a_person():
    waiting = {state for state in ReleaseState if TRANSITIONS[state]} - STEPPED
    assert waiting == {"draft", "paused", "completed", "failed", "cancelled"}


@pytest.mark.parametrize(
    ("release", "wave", "tally", "state"),
    [
        ("draft", {}, Tally(10), "draft"),
        ("scheduled", {}, Tally(10), "scheduled"),
        ("running", {}, Tally(10), "scheduled"),
        ("running", OPENED, GOING, "running"),
        ("running", PASSED, GOING, "running"),
        ("running", PASSED, DONE, "completed"),
        ("paused", OPENED, GOING, "paused"),
        ("paused", FAILED, GOING, "failed"),
        ("paused", {}, Tally(10), "scheduled"),
        ("failed", FAILED, GOING, "failed"),
        ("failed", {}, Tally(10), "cancelled"),
        ("failed", PASSED, DONE, "completed"),
        ("cancelled", OPENED, GOING, "cancelled"),
        ("cancelled", PASSED, DONE, "completed"),
        ("completed", PASSED, DONE, "completed"),
        ("rolling_back", FAILED, DONE, "rolling_back"),
        ("rolled_back", PASSED, DONE, "rolled_back"),
        ("rolled_back", {}, Tally(10), "cancelled"),
    ],
)
def test_the_state_of_a_wave_follows(release, wave, tally, state):
    assert wave_state(ReleaseState(release), ReleaseWave(**wave), tally) == state


@pytest.mark.parametrize(
    ("wave", "tally", "state"),
    [
        ("draft", Tally(10), "draft"),
        ("running", GOING, "running"),
        ("running", DONE, "completed"),
        ("running", Tally(10, succeeded=8, failed=2), "failed"),
        ("completed", Tally(10, skipped=10), "completed"),
        ("failed", GOING, "failed"),
        ("failed", DONE, "completed"),
        ("paused", GOING, "paused"),
        ("rolled_back", DONE, "rolled_back"),
    ],
)
def test_the_state_of_a_cluster_follows(wave, tally, state):
    assert cluster_state(ReleaseState(wave), 90, tally) == state


def test_progress_counts_what_has_ended_well_or_not():
    found = progress(Tally(8, initiated=1, succeeded=3, failed=1, skipped=1, cancelled=1))
    assert (found.waiting, found.in_progress, found.percent) == (1, 1, 75)
    assert progress(Tally()).percent == 100
