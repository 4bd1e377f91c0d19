import pytest

from shared.rpc.errors import TooManyRequests


@pytest.mark.parametrize(("wait", "told"), [(0.004, 1), (1.0, 1), (6.2, 7)])
def test_who_asks_too_much_is_told_whole_seconds_and_never_none(wait, told):
    assert TooManyRequests(wait).detail == f"too many requests; try again in {told} s"
