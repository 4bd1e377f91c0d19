import pytest

from device_management.devices.states import Lifecycle, Status
from device_management.registration.rules import first_states, uid_problem


@pytest.mark.parametrize("uid", ["a", "pump-1", "A_b-C", "0x", "x" * 64])
def test_a_plain_uid_is_fine(uid):
    assert uid_problem(uid) is None


@pytest.mark.parametrize("uid", ["", "x" * 65, "a.b", "a/b", "a#", "+", "1", "007", "search", "Import", "guest", "a\n"])
def test_a_uid_that_aliases_something_is_refused_with_the_reason(uid):
    assert uid_problem(uid)


@pytest.mark.parametrize("status", [*Lifecycle, *Status])
def test_a_status_at_registration_is_a_beginning_in_life_or_what_is_reported(status):
    lifecycle, reported = first_states(status)
    assert (lifecycle, reported) == (status, "idle") if isinstance(status, Lifecycle) else ("in_stock", status)
