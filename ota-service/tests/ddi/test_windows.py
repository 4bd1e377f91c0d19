"""Maintenance windows: a device asks when its own opens, and may download but not install while it is closed."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ota_service.batch_runs.jobs import BatchSteps
from ota_service.batches.schemas import WEEKDAYS

ALWAYS = {"begins": "00:00", "ends": "00:00"}
IN_THREE_DAYS = {**ALWAYS, "days": [WEEKDAYS[(datetime.now(UTC) + timedelta(days=3)).weekday()]]}


@pytest.fixture
def begin(app, add_devices, add_firmware, person):
    """A batch of pump-1 in a window, as far as a worker can carry it on."""

    async def begin(window) -> None:
        await add_devices("pump-1")
        firmware = await add_firmware()
        body = {"name": "spring", "firmware_id": firmware.id, "device_ids": ["pump-1"], "window": window}
        answer = await person.post("/api/v2/updates/batches", json=body)
        assert answer.status_code == 202, answer.text
        await BatchSteps(app.state.scopes)()

    return begin


async def test_a_client_is_told_whether_it_may_install_now(begin, target, sql):
    await begin(ALWAYS)
    device = target()
    link = (await device.links())["deploymentBase"]
    found = (await device.get(link)).json()["deployment"]
    assert (found["download"], found["update"], found["maintenanceWindow"]) == ("forced", "forced", "available")
    await sql.execute('update update_batches set "window" = $1', json.dumps(IN_THREE_DAYS))
    closed = (await device.links())["deploymentBase"]
    assert closed != link, "the client has to read it again"
    found = (await device.get(closed)).json()["deployment"]
    assert (found["download"], found["update"], found["maintenanceWindow"]) == ("forced", "skip", "unavailable")


@pytest.mark.parametrize(
    ("opens_in_s", "earliest", "latest"),
    [(3 * 86_400, "00:05:00", "00:05:00"), (100, "00:00:30", "00:01:40"), (5, "00:00:30", "00:00:30")],
)
async def test_a_device_asks_when_its_window_opens(begin, target, sql, opens_in_s, earliest, latest):
    await begin(IN_THREE_DAYS)
    await sql.execute("update batch_devices set next_at = clock_timestamp() + make_interval(secs => $1)", opens_in_s)
    assert earliest <= (await target().base())["config"]["polling"]["sleep"] <= latest


async def test_a_window_that_nobody_waits_for_changes_nothing(begin, target, sql):
    await begin(IN_THREE_DAYS)
    await sql.execute("update batch_devices set next_at = clock_timestamp() + interval '60 s', state = 'cancelled'")
    assert (await target().base())["config"]["polling"]["sleep"] == "00:05:00"
