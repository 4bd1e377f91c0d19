import pytest

from device_management.devices.rules import uid_problem
from device_management.devices.states import shown_status


@pytest.mark.parametrize("uid", ["a", "pump-1", "A_b-C", "0x", "x" * 64])
def test_a_plain_uid_is_fine(uid):
    assert uid_problem(uid) is None


@pytest.mark.parametrize("uid", ["", "x" * 65, "a.b", "a/b", "a#", "+", "1", "007", "search", "Import", "guest", "a\n"])
def test_a_uid_that_aliases_something_is_refused_with_the_reason(uid):
    assert uid_problem(uid)


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
