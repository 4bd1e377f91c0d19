"""Many at once: of a race there is one winner, and every loser is told so."""

import asyncio
import json
from collections import Counter

import pytest

from ota_service.fleet.service import FleetService
from ota_service.manifests.store import ManifestStore
from ota_service.sessions.errors import WrongTransition
from ota_service.sessions.jobs import Deadlines
from ota_service.sessions.schemas import DeviceReport
from ota_service.sessions.service import SessionService
from ota_service.sessions.states import SessionState
from ota_service.sessions.store import SessionStore
from shared.sql.unit_of_work import UnitOfWork
from shared.testing import eventually

from . import ledger

MANY = 12


class Died(Exception):
    """The end of a worker in the middle of its transaction."""


async def pass_deadlines(sql):
    """Time goes by: the deadline of every open session lies behind us, by the database's clock."""
    await sql.execute("update update_sessions set deadline = now() - interval '1 second' where deadline is not null")


async def states(sql):
    return Counter(row["state"] for row in await sql.fetch("select state from update_sessions"))


async def test_of_many_that_open_a_session_for_a_device_one_does(add_devices, add_firmware, person, sql):
    await add_devices("pump-1")
    body = {"device_uid": "pump-1", "firmware_id": (await add_firmware()).id}
    answers = await asyncio.gather(*(person.post("/api/v2/updates", json=body) for _ in range(MANY)))
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: MANY - 1}
    opened = next(answer for answer in answers if answer.status_code == 202).json()["session_id"]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(problem["code"], problem["session_id"]) for problem in refused} == {("update_session_open", opened)}
    await ledger.check(sql)


@pytest.fixture
def behind(app, update):
    """What a device says in one go of its session as it was a moment ago, after it has said `meanwhile`."""

    async def behind(path, *meanwhile) -> None:
        async with app.state.scopes() as scope:
            seen = await SessionStore(scope.get(UnitOfWork).session).open_of(1, "pump-1")
        for verb in meanwhile:
            await update.device.say(update.id, verb)
        async with app.state.scopes() as scope:
            await scope.get(SessionService).report_all(seen, path, DeviceReport(), by="device")

    return behind


def to_its_end(state):
    """From the state that the session is in through all that come after it."""
    path = [SessionState.ACKNOWLEDGED, SessionState.DOWNLOADING, SessionState.FLASHED, SessionState.COMPLETED]
    return path[path.index(state) + 1 :] if state in path else path


@pytest.mark.parametrize("meanwhile", [(), ("ack", "downloading")])
async def test_what_is_said_in_one_go_is_each_state_once_though_others_came_first(behind, meanwhile, sql):
    await behind(to_its_end, *meanwhile)
    assert await states(sql) == {"completed": 1}
    assert await sql.fetchval("select confirmed_id is not null from installations")
    await ledger.check(sql)


async def test_what_is_said_in_one_go_of_a_session_that_has_ended_changes_nothing(behind, sql):
    with pytest.raises(WrongTransition):
        await behind(to_its_end, "fail")
    assert await states(sql) == {"failed": 1}
    assert await sql.fetchval("select count(*) from session_reports where not accepted") == 1
    await ledger.check(sql)


async def test_a_session_opened_later_has_the_greater_counter_though_a_process_stops_in_between(
    app, update, person, sql
):
    await update.device.say(update.id, "fail")
    async with app.state.scopes() as scope:
        await scope.get(FleetService).lock(1, ["pump-1"])
        stopped = await ManifestStore(scope.get(UnitOfWork).session).issue(1)
        body = {"device_uid": "pump-1", "firmware_id": update.firmware.id}
        opening = asyncio.create_task(person.post("/api/v2/updates", json=body))

        async def waits() -> bool:
            return await sql.fetchval("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") == 1

        await eventually(waits, why="the other one at the device's row")
    assert (await opening).status_code == 202
    assert await sql.fetchval("select max(counter) from update_sessions") > stopped.counters[0]


async def test_the_same_report_many_times_at_once_has_one_effect(update, sql):
    answers = await asyncio.gather(*(update.device.say(update.id, "ack") for _ in range(MANY)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["state"] for answer in answers} == {"acknowledged"}
    assert await sql.fetchval("select version from update_sessions") == 2
    await ledger.check(sql)


async def test_progress_reported_by_many_at_once_never_goes_back(update, sql):
    await update.device.say(update.id, "ack")
    await update.device.say(update.id, "downloading", progress=0)
    reported = [90, 20, 50, 80, 30, 70]
    async with sql.transaction():
        await sql.execute("select from update_sessions for update")
        reports = [
            asyncio.create_task(update.device.say(update.id, "downloading", progress=percent)) for percent in reported
        ]
        at_row = "wait_event_type = 'Lock' and query like '%update update_sessions%'"
        waiting = f"select count(*) from pg_stat_activity where {at_row}"  # noqa: S608 - a constant

        async def all_have_read() -> bool:
            await sql.execute("select pg_stat_clear_snapshot()")
            return await sql.fetchval(waiting) == len(reported)

        await eventually(all_have_read, why="every report at the session's row")
    await asyncio.gather(*reports)
    kept = [
        json.loads(row["payload"])["data"]["progress"]
        for row in await sql.fetch("select payload from outbox where type like '%progressed%' order by id")
    ]
    assert kept == sorted(kept)
    assert kept[-1] == 90
    await ledger.check(sql)


async def test_a_report_a_forced_cancellation_and_the_deadline_at_once_have_one_winner(
    add_devices, add_firmware, person, device, deadlines, sql
):
    firmware = await add_firmware()
    uids = [f"pump-{number}" for number in range(MANY)]
    await add_devices(*uids)
    sessions = {}
    for uid in uids:
        answer = await person.post("/api/v2/updates", json={"device_uid": uid, "firmware_id": firmware.id})
        sessions[uid] = answer.json()["session_id"]
        for verb in ["ack", "downloading", "flashed"]:
            await device(uid).say(sessions[uid], verb)
    await pass_deadlines(sql)
    races = [
        race
        for uid, session_id in sessions.items()
        for race in (
            device(uid).say(session_id, "complete"),
            person.post(f"/api/v2/updates/{session_id}/cancel", json={"force": True}),
        )
    ]
    answers = await asyncio.gather(*races[:MANY], deadlines(), *races[MANY:])
    answers.pop(MANY)
    assert {answer.status_code for answer in answers} <= {200, 409}
    ended = await states(sql)
    assert sum(ended.values()) == MANY
    assert set(ended) <= {"completed", "cancelled", "timed_out"}
    assert sum(answer.status_code == 200 for answer in answers) == ended["completed"] + ended["cancelled"]
    await ledger.check(sql)


async def test_a_silent_device_times_out_once_with_any_number_of_workers(app, add_devices, add_firmware, person, sql):
    firmware = await add_firmware()
    uids = [f"pump-{number}" for number in range(60)]
    await add_devices(*uids)
    for uid in uids:
        await person.post("/api/v2/updates", json={"device_uid": uid, "firmware_id": firmware.id})
    await pass_deadlines(sql)

    async def worker() -> int:
        ended = 0
        while True:
            async with app.state.scopes() as scope:
                count = await scope.get(SessionService).time_out(limit=7)
            ended += count
            if not count:
                return ended

    assert sum(await asyncio.gather(*(worker() for _ in range(5)))) == len(uids)
    assert await states(sql) == {"timed_out": len(uids)}
    await ledger.check(sql)


async def test_a_worker_that_hangs_in_the_middle_holds_up_no_other_and_its_part_is_done_when_it_dies(
    app, add_devices, add_firmware, person, deadlines, sql
):
    firmware = await add_firmware()
    uids = [f"pump-{number}" for number in range(6)]
    await add_devices(*uids)
    for uid in uids:
        await person.post("/api/v2/updates", json={"device_uid": uid, "firmware_id": firmware.id})
    await pass_deadlines(sql)

    async def hang_and_die() -> None:
        async with app.state.scopes() as scope:
            assert await scope.get(SessionService).time_out(limit=2) == 2
            async with asyncio.timeout(60):
                await deadlines()
            assert await states(sql) == {"timed_out": 4, "initiated": 2}
            raise Died

    with pytest.raises(Died):
        await hang_and_die()
    await deadlines()
    assert await states(sql) == {"timed_out": 6}
    await ledger.check(sql)


async def test_nothing_times_out_before_its_deadline(update, deadlines, sql):
    await deadlines()
    assert await states(sql) == {"initiated": 1}


async def test_a_late_report_is_refused_and_kept(update, person, deadlines, sql):
    await update.device.say(update.id, "ack")
    await pass_deadlines(sql)
    await deadlines()
    answer = await update.device.say(update.id, "downloading", progress=7)
    assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (409, "wrong_transition", "timed_out")
    session = (await person.get(f"/api/v2/updates/{update.id}")).json()
    assert session["error"] == "the device did not report in time: it was acknowledged"
    last = session["reports"][-2:]
    assert [(report["by"], report["reported"], report["accepted"]) for report in last] == [
        ("deadline", "timed_out", True),
        ("device", "downloading", False),
    ]
    assert last[1]["progress"] == 7
    await ledger.check(sql)


async def test_more_than_a_batch_times_out_in_one_run(app, update, sql, monkeypatch):
    monkeypatch.setattr("ota_service.sessions.jobs._BATCH", 1)
    await pass_deadlines(sql)
    await Deadlines(app.state.scopes)()
    assert await states(sql) == {"timed_out": 1}


async def test_each_state_lasts_as_long_as_the_settings_say(update, sql):
    lasting = "select extract(epoch from deadline - clock_timestamp())::int from update_sessions"
    for verb, seconds in [(None, 7 * 86_400), ("ack", 3_600), ("downloading", 6 * 3_600), ("flashed", 3_600)]:
        if verb:
            await update.device.say(update.id, verb)
        assert seconds - 30 < await sql.fetchval(lasting) <= seconds


async def test_who_opens_a_session_may_say_how_long_the_device_has(add_devices, add_firmware, person, sql):
    await add_devices("pump-1")
    body = {"device_uid": "pump-1", "firmware_id": (await add_firmware()).id, "deadline_s": 90}
    await person.post("/api/v2/updates", json=body)
    assert 60 < await sql.fetchval("select extract(epoch from deadline - clock_timestamp()) from update_sessions") <= 90
