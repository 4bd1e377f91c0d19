"""Commands about updates: announced, announced again at a connection, and taken back."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from ota_service.sessions.consumers import PresenceConsumer, ResyncConsumer
from ota_service.sessions.schemas import Terms
from ota_service.sessions.service import SessionService
from shared.contracts.devices import DeviceSnapshot
from shared.contracts.presence import DeviceConnected, DeviceDisconnected
from shared.testing import eventually

from ..news import envelope

AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def presence_of(app):
    async def hear(*uids, online, version, organization_id=1):
        kind = DeviceConnected if online else DeviceDisconnected
        news = [
            kind(organization_id=organization_id, version=version, device_uid=uid, online=online, since=AT)
            for uid in uids
        ]
        await PresenceConsumer(app.state.scopes)([envelope(state, source="/monitoring") for state in news])

    return hear


@pytest.fixture
def connected(presence_of):
    async def hear(*uids, organization_id=1):
        await presence_of(*uids, online=True, version=1, organization_id=organization_id)

    return hear


@pytest.fixture
async def firmware(add_firmware):
    return await add_firmware()


async def commands(sql):
    rows = await sql.fetch("select device_uid, payload from device_commands order by id")
    return [(row["device_uid"], json.loads(row["payload"])) for row in rows]


async def test_an_update_is_announced_to_its_device_until_it_times_out(update, person, sql):
    [(uid, command)] = await commands(sql)
    assert uid == "pump-1"
    assert (command["id"], command["type"]) == (update.id, "update_available")
    assert command["params"] == {"session_id": update.id, "firmware_name": "edge", "firmware_version": "2.0"}
    session = (await person.get(f"/api/v2/updates/{update.id}")).json()
    assert datetime.fromisoformat(command["deadline"]) == datetime.fromisoformat(session["deadline"])


async def test_what_was_announced_and_not_taken_up_is_announced_again_when_the_device_connects(update, connected, sql):
    await sql.execute("delete from device_commands")
    await connected("pump-1", "pump-2", "nobody")
    await connected("pump-1")
    assert [(uid, command["id"]) for uid, command in await commands(sql)] == [("pump-1", update.id)]


async def test_what_still_waits_is_made_due_and_not_doubled(update, connected, sql):
    await sql.execute("update device_commands set attempts = 7, next_attempt_at = now() + interval '5 minutes'")
    await connected("pump-1")
    rows = await sql.fetch("select device_uid, attempts from device_commands where next_attempt_at <= now()")
    assert [tuple(row) for row in rows] == [("pump-1", 0)]


DUE = "select count(*) from device_commands where next_attempt_at <= now()"


async def test_to_a_device_that_is_away_nothing_is_sent_until_it_comes(add_devices, person, connected, firmware, sql):
    await add_devices("pump-1", "pump-2")
    await connected("pump-2")
    for uid in ("pump-1", "pump-2"):
        await person.post("/api/v2/updates", json={"device_uid": uid, "firmware_id": firmware.id})
    due = await sql.fetch("select device_uid from device_commands where next_attempt_at <= now()")
    assert [row["device_uid"] for row in due] == ["pump-2"]
    await connected("pump-1")
    assert await sql.fetchval(DUE) == 2


async def test_a_device_that_comes_while_its_update_is_opened_hears_of_it(
    app, add_devices, connected, presence_of, firmware, sql
):
    await add_devices("pump-1")
    await presence_of("pump-1", online=False, version=1)
    terms = Terms(firmware_ids=(firmware.id,))
    async with app.state.scopes() as scope:
        await scope.get(SessionService).open_many(1, "7", ["pump-1"], terms)
        comes = asyncio.create_task(presence_of("pump-1", online=True, version=2))
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        await eventually(lambda: sql.fetchval(waits), why="the news waits for the opening")
    await comes
    assert await sql.fetchval(DUE) == 1


async def test_an_update_that_was_taken_up_is_not_announced_any_more(update, connected, sql):
    await update.device.say(update.id, "ack")
    await connected("pump-1")
    assert await commands(sql) == []


async def test_another_organizations_device_of_that_uid_hears_nothing(update, connected, sql):
    await sql.execute("delete from device_commands")
    await connected("pump-1", organization_id=2)
    assert await commands(sql) == []


async def test_a_cancelled_update_is_taken_back_and_the_device_told(update, person, sql):
    await person.post(f"/api/v2/updates/{update.id}/cancel")
    await person.post(f"/api/v2/updates/{update.id}/cancel")
    [(uid, command)] = await commands(sql)
    assert (uid, command["type"], command["params"]) == ("pump-1", "update_cancelled", {"session_id": update.id})


async def test_a_cancellation_that_comes_too_late_tells_nobody(update, person, sql):
    for verb in ["ack", "downloading", "flashed", "complete"]:
        await update.device.say(update.id, verb)
    assert (await person.post(f"/api/v2/updates/{update.id}/cancel")).status_code == 409
    assert await commands(sql) == []


async def test_who_is_told_again_is_told_with_the_newest_update_and_the_copies_hear_nothing_new(
    app, update, person, device, add_firmware, sql
):
    await update.device.say(update.id, "fail")
    newer = await add_firmware("3.0")
    opened = await person.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_id": newer.id})
    await device().say(opened.json()["session_id"], "ack")
    told_before = await sql.fetchval("select count(*) from outbox")
    news = [
        DeviceSnapshot(
            organization_id=1,
            version=1,
            device_id=number,
            device_uid=uid,
            lifecycle="deployed",
            min_token_generation=1,
            registered_at=AT,
            updated_at=AT,
        )
        for number, uid in enumerate(("pump-1", "pump-2"))
    ]
    await ResyncConsumer(app.state.scopes)([envelope(state) for state in news])
    told = await sql.fetch("select type, payload from outbox order by id offset $1", told_before)
    [snapshot] = [json.loads(row["payload"])["data"] for row in told]
    assert told[0]["type"] == "update_session.snapshot.v1"
    assert (snapshot["session_id"], snapshot["state"], snapshot["version"]) == (
        opened.json()["session_id"],
        "acknowledged",
        2,
    )
