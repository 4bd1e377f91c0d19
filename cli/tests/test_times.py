"""Times and durations as people write them."""

from datetime import UTC, datetime

import pytest

from muster_cli import times
from muster_cli.errors import BadUsage

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def test_so_long_before_or_after_a_moment():
    assert times.before(NOON, "1.5h") == datetime(2026, 3, 29, 10, 30, tzinfo=UTC)
    assert times.after(NOON, "90s") == datetime(2026, 3, 29, 12, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["9000000d", f"{'9' * 400}d", "-1h", "1h30m", ""])
def test_what_is_no_length_of_time_from_a_moment_is_told_so(text):
    for moved in (times.before, times.after):
        with pytest.raises(BadUsage):
            moved(NOON, text)
