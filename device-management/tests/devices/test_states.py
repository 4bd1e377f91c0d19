"""The lifecycle over every pair of states, and the status that is shown."""

import pytest

from device_management.devices.rules import may_move
from device_management.devices.states import Lifecycle, shown_status

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


@pytest.mark.parametrize(
    ("lifecycle", "online", "acting", "reported", "shown"),
    [
        ("maintenance", True, "updating", "busy", "maintenance"),
        ("maintenance", False, None, "idle", "maintenance"),
        ("deployed", False, "updating", "busy", "offline"),
        ("deployed", None, None, "busy", "busy"),
        ("deployed", True, None, "busy", "busy"),
        ("deployed", True, "updating", "busy", "updating"),
        ("in_stock", True, None, "idle", "idle"),
    ],
)
def test_the_shown_status_is_derived(lifecycle, online, acting, reported, shown):
    assert shown_status(lifecycle=lifecycle, online=online, acting=acting, reported=reported) == shown
