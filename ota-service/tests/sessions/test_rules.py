import json
from datetime import UTC, datetime, timedelta

import pytest

from ota_service.sessions.rules import Patience, is_step, manifest, obstacle, progress_after
from ota_service.sessions.states import FINAL, OPEN, SessionState

AT = datetime(2026, 11, 21, tzinfo=UTC)


def test_every_open_state_lasts_a_while_and_a_final_one_has_no_deadline():
    patience = Patience()
    assert all(patience.in_state(state) for state in OPEN)
    assert not any(patience.in_state(state) for state in FINAL)


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({}, None),
        ({"lifecycle": "retired"}, "retired"),
        ({"updates_enabled": False}, "updates_disabled"),
        ({"hardware_versions": ["r1", "r2"]}, None),
        ({"hardware_versions": ["r2"]}, "hardware_mismatch"),
        ({"hardware_versions": ["r2"], "hardware_version": None}, "hardware_mismatch"),
        ({"hardware_version": None}, None),
    ],
)
def test_what_is_in_the_way_of_an_update(differs, reason):
    device = {"lifecycle": "deployed", "updates_enabled": True, "hardware_version": "r1", "hardware_versions": []}
    found = obstacle(**(device | differs))
    assert (found and found.reason) == reason


def test_progress_is_kept_in_steps_that_only_go_up():
    kept = [0]
    for percent in [*range(101), 50, 100]:
        if is_step(kept[-1], percent):
            kept.append(percent)
    assert kept == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    assert is_step(95, 100)
    assert is_step(None, 0)
    assert not is_step(50, None)


def test_what_is_installed_is_downloaded_whole_and_what_breaks_off_keeps_its_progress():
    assert progress_after(SessionState.FLASHED, known=70, said=None) == 100
    assert progress_after(SessionState.FAILED, known=70, said=None) == 70
    assert progress_after(SessionState.DOWNLOADING, known=None, said=5) == 5


def test_a_manifest_is_canonical_json():
    text = manifest(
        session_id="s",
        device_uid="pump-1",
        counter=7,
        name="edge",
        version="2.0",
        release_counter=3,
        size=11,
        sha256="ab",
        hardware_versions=["r2", "r1"],
        issued_at=AT,
        expires_at=AT + timedelta(days=1),
    )
    assert text == (
        '{"counter":7,"device_uid":"pump-1","expires_at":1795305600,"hardware_versions":["r1","r2"],'
        '"issued_at":1795219200,"name":"edge","release_counter":3,"session":"s","sha256":"ab","size":11,"version":"2.0"}'
    )
    assert list(json.loads(text)) == sorted(json.loads(text))
