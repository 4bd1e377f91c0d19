"""The way back: exactly the devices that a release touched, to what they ran before."""

import pytest

from ..releases.conftest import UIDS, told


@pytest.fixture
async def ran_before(started, finish, steps, add_firmware, sql):
    """Every device runs the version of an earlier release; answers its firmware and the one to come."""
    await started(100, slug="rel-0")
    await finish()
    await steps()
    before = await sql.fetchval("select firmware_id from release_apps")
    await sql.execute("truncate outbox")
    return before, (await add_firmware("3.0")).id


@pytest.fixture
def on_devices(sql):
    async def on_devices() -> dict[int, int]:
        """How many devices have each firmware."""
        query = "select firmware_id, count(*) as devices from installations group by 1"
        return {row["firmware_id"]: row["devices"] for row in await sql.fetch(query)}

    return on_devices


async def test_what_it_touched_goes_back_and_nothing_else(
    started, act, steps, finish, look, ran_before, on_devices, sql
):
    before, after = ran_before
    await started(50, 50, bundle={"apps": [{"firmware_id": after}]})
    assert len(await finish()) == 10
    assert await on_devices() == {before: 10, after: 10}
    assert (await act("rollback"))["state"] == "rolling_back"
    await steps()
    assert len(await finish()) == 10
    await steps()
    release = await look()
    assert (release["state"], release["rollback"]["devices"], release["rollback"]["succeeded"]) == (
        "rolled_back",
        10,
        10,
    )
    assert [wave["state"] for wave in release["waves"]] == ["rolled_back", "cancelled"]
    assert await on_devices() == {before: len(UIDS)}
    ways = "select wave from update_sessions where release = 'rel-1' group by 1 having count(*) = 10 order by 1"
    assert [row["wave"] for row in await sql.fetch(ways)] == ["rel-1-wave-1", None]
    assert (await told(sql))[-2:] == ["rollback_started", "rolled_back"]


async def test_a_gate_that_fails_may_take_the_release_back(started, steps, finish, look, ran_before, on_devices):
    before, after = ran_before
    await started(50, 50, bundle={"apps": [{"firmware_id": after}]}, on_failure="rollback")
    await finish(failing=2)
    await steps()
    assert (await look())["reason"] == "failure_threshold"
    await steps()
    assert len(await finish()) == 8
    await steps()
    assert (await look())["state"] == "rolled_back"
    assert await on_devices() == {before: len(UIDS)}


async def test_a_release_that_touched_nothing_is_back_at_once(started, act, steps, look, ran_before):
    await started(50, 50, bundle={"apps": [{"firmware_id": ran_before[1]}]})
    await act("cancel")
    await steps()
    await act("rollback")
    await steps()
    assert (await look())["state"] == "rolled_back"
