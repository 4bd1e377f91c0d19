"""Presence as device-management hears it: the greater version wins, in any order, any number of times."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from device_management.device_status.consumers import PresenceConsumer
from shared.contracts.envelope import Envelope
from shared.outbox.commands import Command
from shared.sql.unit_of_work import UnitOfWork


def news(uid, *, online, version):
    return Envelope(
        id=uuid4(),
        source="/monitoring",
        type="device.connected.v1" if online else "device.disconnected.v1",
        subject=f"presence/{uid}",
        time=datetime.now(UTC),
        organizationid=1,
        data={
            "organization_id": 1,
            "device_uid": uid,
            "online": online,
            "since": datetime.now(UTC),
            "version": version,
        },
    )


@pytest.fixture
async def hear(app):
    return PresenceConsumer(app.state.scopes)


async def status(client, uid="pump-1"):
    return (await client.get(f"/api/v2/devices/{uid}")).json()["status"]


async def test_a_device_shows_what_it_was_registered_with_until_it_is_heard_of(admin, hear):
    await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    assert await status(admin) == "idle"
    await hear([news("pump-1", online=False, version=1)])
    assert await status(admin) == "offline"


async def test_the_newest_of_a_batch_wins_whatever_the_order(admin, hear):
    await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    await hear([news("pump-1", online=False, version=2), news("pump-1", online=True, version=1)])
    assert await status(admin) == "offline"


async def test_older_and_repeated_news_change_nothing(admin, hear, sql):
    await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    await hear([news("pump-1", online=True, version=5)])
    before = await sql.fetchval("select revision from devices")
    await hear([news("pump-1", online=False, version=4)])
    await hear([news("pump-1", online=False, version=5)])
    assert await status(admin) == "idle"
    assert await sql.fetchval("select revision from devices") == before


async def test_presence_changes_neither_version_nor_events(admin, hear, sql):
    await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    await hear([news("pump-1", online=True, version=1)])
    assert (await admin.get("/api/v2/devices/pump-1")).json()["version"] == 1
    assert await sql.fetchval("select count(*) from outbox") == 1


async def test_news_of_an_unknown_device_is_no_error(hear):
    await hear([news("nobody", online=True, version=1)])


async def test_what_waits_for_a_device_is_due_when_it_connects(hear, app, sql):
    async with app.state.scopes() as scope:
        deadline = datetime.now(UTC) + timedelta(hours=1)
        for uid in ("pump-1", "pump-2", "pump-3"):
            scope.get(UnitOfWork).outbox.command(Command(uid, uuid4(), "reboot", {}, deadline))
    await sql.execute("update device_commands set attempts = 9, next_attempt_at = now() + interval '5 minutes'")
    await hear([news("pump-1", online=True, version=1), news("pump-2", online=False, version=1)])
    rows = await sql.fetch("select device_uid, attempts from device_commands where next_attempt_at <= now()")
    assert [tuple(row) for row in rows] == [("pump-1", 0)]
