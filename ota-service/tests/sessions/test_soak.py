"""With a soak an update is completed once the device has proved the new version for long enough."""

import asyncio

import pytest

from ota_service.sessions.jobs import Soaks

from . import ledger
from .test_api import PATH, code, events
from .test_races import pass_deadlines, states

FLASHED = PATH[:3]


@pytest.fixture
def soaks(app):
    return Soaks(app.state.scopes)


@pytest.fixture
def pass_soak(sql):
    async def pass_time():
        """As long as a soak goes by, without any news."""
        await sql.execute("update update_sessions set confirmed_at = confirmed_at - interval '61 s'")
        await sql.execute("update device_presences set heard_at = heard_at - interval '61 s'")

    return pass_time


@pytest.fixture
async def soaking(add_devices, add_firmware, person, device):
    """The id of a session that is flashed and has a soak of a minute."""
    await add_devices("pump-1")
    body = {"device_uid": "pump-1", "firmware_id": (await add_firmware()).id, "soak_s": 60}
    session_id = (await person.post("/api/v2/updates", json=body)).json()["session_id"]
    for verb in FLASHED:
        await device().say(session_id, verb)
    return session_id


async def test_a_device_that_confirms_and_stays_connected_has_completed(
    soaking, device, presence, soaks, pass_soak, person, sql
):
    await presence("connected")
    answer = await device().say(soaking, "complete")
    assert (answer.status_code, answer.json()["state"]) == (200, "flashed")
    assert answer.json()["confirmed_at"] is not None
    assert (await device().say(soaking, "complete")).json() == answer.json()
    await soaks()
    assert await states(sql) == {"flashed": 1}
    await pass_soak()
    await soaks()
    session = (await person.get(f"/api/v2/updates/{soaking}")).json()
    assert (session["state"], session["deadline"]) == ("completed", None)
    assert session["reports"][-1]["by"] == "soak"
    assert (await events(sql))[-3:] == ["flashed", "flashed", "completed"]
    assert await sql.fetchval("select confirmed_id = firmware_id from installations")
    await ledger.check(sql)


async def test_a_disconnection_puts_the_soak_back_and_a_connection_begins_it_anew(
    soaking, device, presence, soaks, pass_soak, sql
):
    await presence("connected")
    await device().say(soaking, "complete")
    await pass_soak()
    await presence("disconnected")
    await soaks()
    await pass_soak()
    await soaks()
    assert await states(sql) == {"flashed": 1}
    await presence("connected")
    await soaks()
    assert await states(sql) == {"flashed": 1}
    await pass_soak()
    await soaks()
    assert await states(sql) == {"completed": 1}
    await ledger.check(sql)


async def test_a_short_loss_heard_as_one_counts_and_older_news_does_not(
    soaking, device, presence, soaks, pass_soak, sql
):
    await presence("connected", version=5)
    await device().say(soaking, "complete")
    await pass_soak()
    await presence("disconnected", version=4)
    await presence("connected", version=7)
    await soaks()
    assert await states(sql) == {"flashed": 1}
    await pass_soak()
    await presence("disconnected", version=6)
    await soaks()
    assert await states(sql) == {"completed": 1}


async def test_what_the_device_reports_elsewhere_confirms_too(soaking, add_devices, presence, soaks, pass_soak, sql):
    await presence("connected")
    await add_devices("pump-1", version=2, reported_firmware_version="1.0")
    await soaks()
    assert await sql.fetchval("select confirmed_at from update_sessions") is None
    await add_devices("pump-1", version=3, reported_firmware_version="2.0")
    await soaks()
    assert await sql.fetchval("select confirmed_at from update_sessions") is not None
    assert await states(sql) == {"flashed": 1}
    await pass_soak()
    await soaks()
    assert await states(sql) == {"completed": 1}
    await ledger.check(sql)


async def test_a_device_that_never_was_on_the_broker_has_to_come_back_after_its_soak(
    soaking, device, soaks, pass_soak, sql
):
    await device().say(soaking, "complete")
    await device().waiting()
    await soaks()
    await pass_soak()
    await soaks()
    assert await states(sql) == {"flashed": 1}
    assert (await device().waiting()).json()["items"] == []
    assert await states(sql) == {"completed": 1}
    await ledger.check(sql)


@pytest.mark.parametrize(
    ("confirms", "error"),
    [
        (False, "the device did not report that it runs 2.0"),
        (True, "the device did not stay connected for 60 s"),
    ],
)
async def test_what_does_not_prove_itself_in_time_ends_and_says_what_was_missing(
    soaking, device, presence, soaks, deadlines, person, sql, confirms, error
):
    await presence("connected")
    if confirms:
        await device().say(soaking, "complete")
    await presence("disconnected")
    await soaks()
    await pass_deadlines(sql)
    await deadlines()
    session = (await person.get(f"/api/v2/updates/{soaking}")).json()
    assert (session["state"], session["error"]) == ("timed_out", error)
    assert await sql.fetchval("select confirmed_id from installations") is None
    await ledger.check(sql)


async def test_a_soak_comes_on_top_of_the_time_to_come_back(soaking, sql):
    left = await sql.fetchval("select extract(epoch from deadline - clock_timestamp()) from update_sessions")
    assert 3_600 + 60 - 30 < left <= 3_600 + 60


async def test_a_completion_that_crosses_a_cancellation_begins_the_soak(soaking, device, person, sql):
    await person.post(f"/api/v2/updates/{soaking}/cancel")
    answer = await device().say(soaking, "complete")
    assert (answer.json()["state"], answer.json()["confirmed_at"] is None) == ("flashed", False)
    await ledger.check(sql)


async def test_nothing_is_confirmed_before_it_is_flashed(add_devices, add_firmware, person, device):
    await add_devices("pump-1")
    body = {"device_uid": "pump-1", "firmware_id": (await add_firmware()).id, "soak_s": 60}
    session_id = (await person.post("/api/v2/updates", json=body)).json()["session_id"]
    assert code(await device().say(session_id, "complete")) == (409, "wrong_transition")


async def test_of_many_workers_that_end_soaks_while_devices_come_and_go_each_ends_one_once(
    app, add_devices, add_firmware, person, device, presence, pass_soak, sql
):
    uids = [f"pump-{number}" for number in range(12)]
    await add_devices(*uids)
    firmware = await add_firmware()
    for uid in uids:
        body = {"device_uid": uid, "firmware_id": firmware.id, "soak_s": 60}
        session_id = (await person.post("/api/v2/updates", json=body)).json()["session_id"]
        for verb in PATH:
            await device(uid).say(session_id, verb)
        await presence("connected", uid)
    await pass_soak()
    lost, kept = uids[:4], uids[4:]
    for uid in lost:
        await presence("disconnected", uid)
    workers = (Soaks(app.state.scopes)() for _ in range(3))
    await asyncio.gather(*workers, *(presence("connected", uid) for uid in lost))
    assert await states(sql) == {"flashed": len(lost), "completed": len(kept)}
    await ledger.check(sql)
