"""Many updates in one call: each device is told of, and the database is asked as often as for one."""

import asyncio
from collections import Counter
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import event

from ota_service.firmware.errors import FirmwareNotApproved, FirmwareNotFound
from ota_service.sessions.schemas import Terms
from ota_service.sessions.service import MOST_AT_ONCE, SessionService
from shared.sql.unit_of_work import UnitOfWork
from shared.testing import eventually

from . import ledger
from .test_races import states


@pytest.fixture
def open_many(app):
    async def call(*uids, organization_id=1, **terms):
        async with app.state.scopes() as scope:
            return await scope.get(SessionService).open_many(organization_id, "7", uids, Terms(**terms))

    return call


@pytest.fixture
def cancel_many(app):
    async def call(*session_ids, organization_id=1):
        async with app.state.scopes() as scope:
            return await scope.get(SessionService).cancel_many(organization_id, session_ids, "7")

    return call


@pytest.fixture
def statements(app):
    """How many statements a call of the service makes, its commit included, and what it answers."""

    async def count(call):
        said = []
        async with app.state.scopes() as scope:
            unit = scope.get(UnitOfWork)
            connection = (await unit.session.connection()).sync_connection
            event.listen(connection, "before_cursor_execute", lambda *of: said.append(of[2]))
            answer = await call(scope.get(SessionService))
            await unit.commit()
        return len(said), answer

    return count


async def test_of_many_devices_each_gets_a_session_or_the_reason_why_not(
    update, add_devices, add_firmware, open_many, sql
):
    await add_devices("retired", lifecycle="retired")
    await add_devices("off", updates_enabled=False)
    await add_devices("other", hardware_version="r9")
    await add_devices("theirs", organization_id=2)
    firmware = await add_firmware("3.0", hardware_versions=["r1"])
    uids = ["theirs", "pump-2", "pump-1", "retired", "nobody", "off", "other"]
    answers = await open_many(*uids, firmware_ids=(firmware.id,))
    assert [(answer.device_uid, answer.reason) for answer in answers] == [
        ("theirs", "device_not_found"),
        ("pump-2", None),
        ("pump-1", "update_open"),
        ("retired", "retired"),
        ("nobody", "device_not_found"),
        ("off", "updates_disabled"),
        ("other", "hardware_mismatch"),
    ]
    assert all((answer.session_id is None) == bool(answer.reason) == bool(answer.detail) for answer in answers)
    assert await sql.fetchval("select device_uid from update_sessions where id = $1", answers[1].session_id) == "pump-2"
    assert await sql.fetchval("select count(*) from device_commands") == 2
    await ledger.check(sql)


async def test_a_firmware_that_may_not_be_installed_opens_nothing(add_devices, add_firmware, open_many, sql):
    await add_devices("pump-1")
    raw, foreign = await add_firmware(approved=False), await add_firmware(organization_id=2)
    with pytest.raises(FirmwareNotApproved):
        await open_many("pump-1", firmware_ids=(raw.id,))
    with pytest.raises(FirmwareNotFound):
        await open_many("pump-1", firmware_ids=(foreign.id,))
    assert await states(sql) == {}


async def test_the_number_of_statements_does_not_grow_with_that_of_the_devices(
    add_devices, add_firmware, statements, sql
):
    terms, needed = Terms(((await add_firmware()).id,)), set()
    for count in [2, MOST_AT_ONCE]:
        uids = [f"pump-{count}-{number}" for number in range(count)]
        await add_devices(*uids)
        opening, opened = await statements(
            partial(SessionService.open_many, organization_id=1, by="7", uids=uids, terms=terms)
        )
        ids = [answer.session_id for answer in opened]
        cancelling, ended = await statements(
            partial(SessionService.cancel_many, organization_id=1, session_ids=ids, by="7")
        )
        assert ended == count
        needed.add((opening, cancelling))
    assert len(needed) == 1
    assert await states(sql) == {"cancelled": 2 + MOST_AT_ONCE}
    await ledger.check(sql)


async def test_more_than_the_most_is_refused_before_anything_happens(open_many, sql):
    with pytest.raises(ValueError, match="1001 devices"):
        await open_many(*map(str, range(MOST_AT_ONCE + 1)), firmware_ids=(1,))


async def test_those_that_have_ended_and_anothers_stay_as_they_are(update, open_many, cancel_many, sql):
    [second] = await open_many("pump-2", firmware_ids=(update.firmware.id,))
    await update.device.say(update.id, "fail")
    ids = [update.id, second.session_id, uuid4()]
    assert await cancel_many(*ids, organization_id=2) == 0
    assert await cancel_many(*ids) == 1
    assert await cancel_many(*ids) == 0
    assert await states(sql) == Counter(failed=1, cancelled=1)
    assert await sql.fetchval("select count(*) from device_commands") == 1
    await ledger.check(sql)


async def test_workers_that_open_updates_for_the_same_devices_never_wait_in_a_circle(
    app, add_devices, add_firmware, open_many, sql
):
    uids = [f"pump-{number:02}" for number in range(60)]
    await add_devices(*uids)
    firmware = await add_firmware()
    orders = [uids, uids[::-1], uids[30:] + uids[:30]]
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"

    async def all_wait() -> bool:
        await sql.execute("select pg_stat_clear_snapshot()")
        return await sql.fetchval(waiting) == len(orders) + 1

    async with sql.transaction():
        await sql.execute("select from fleet_devices where device_uid = 'pump-30' for update")
        opening = [asyncio.create_task(open_many(*order, firmware_ids=(firmware.id,))) for order in orders]
        copying = asyncio.create_task(add_devices(*uids, version=2))
        await eventually(all_wait, why="everybody in the middle of their devices")
    reasons = Counter(answer.reason for answers in await asyncio.gather(*opening) for answer in answers)
    await copying
    assert reasons == {None: len(uids), "update_open": 2 * len(uids)}
    assert await states(sql) == {"initiated": len(uids)}
    await ledger.check(sql)
