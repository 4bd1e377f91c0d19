"""What became of samples, at the terminal."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from click.testing import Result

ACCOUNT = {
    "device_uid": "pump-1",
    "messages": 12,
    "received": 16,
    "stored": 13,
    "undated": 1,
    "duplicate": 1,
    "expired": 2,
    "dead": 3,
    "gaps": 8,
}


def test_what_became_of_every_sample_is_a_line_a_device(muster: Callable[..., Result], platform: Any):
    platform.accounts = [ACCOUNT]
    told = muster("telemetry", "account")
    assert (told.exit_code, told.stdout) == (0, "pump-1\t12\t16\t13\t1\t2\t3\t8\n")
    first, last = (date.fromisoformat(platform.asked[name][0]) for name in ("from", "to"))
    assert last - first == timedelta(days=6)
    assert "device_uid" not in platform.asked
    assert json.loads(muster("telemetry", "account", "pump-1", "--days", "1", "--json").stdout) == [ACCOUNT]
    assert platform.asked["device_uid"] == ["pump-1"]
    assert platform.asked["from"] == platform.asked["to"]
    assert muster("telemetry", "account", "--days", "0").exit_code == 2
