from ota_service.sessions.rules import Patience, is_step, progress_after
from ota_service.sessions.states import FINAL, OPEN, SessionState


def test_every_open_state_lasts_a_while_and_a_final_one_has_no_deadline():
    patience = Patience()
    assert all(patience.in_state(state) for state in OPEN)
    assert not any(patience.in_state(state) for state in FINAL)


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
