"""The lifecycle over every pair of states."""

import pytest

from device_management.devices.rules import first_states, may_move
from device_management.devices.states import Lifecycle, Status

ALLOWED = {
    ("in_stock", "deployed"),
    ("in_stock", "maintenance"),
    ("in_stock", "retired"),
    ("deployed", "in_stock"),
    ("deployed", "maintenance"),
    ("deployed", "retired"),
    ("maintenance", "in_stock"),
    ("maintenance", "deployed"),
    ("maintenance", "retired"),
}


@pytest.mark.parametrize("present", Lifecycle)
@pytest.mark.parametrize("to", Lifecycle)
def test_a_device_moves_as_the_table_says(present, to):
    assert may_move(present, to) == ((present.value, to.value) in ALLOWED)


@pytest.mark.parametrize("status", [*Lifecycle, *Status])
def test_a_status_at_registration_is_a_beginning_in_life_or_what_is_reported(status):
    lifecycle, reported = first_states(status)
    assert (lifecycle, reported) == (status, "idle") if isinstance(status, Lifecycle) else ("in_stock", status)
