"""Actions that are updates: ota-service carries them out by a session, or says why it cannot."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ota_service.actions.consumers import ActionConsumer
from ota_service.actions.errors import DeviceNotCopied
from ota_service.actions.service import ActionService
from shared.contracts.envelope import Envelope


@pytest.fixture
def hear(app):
    async def deliver(verb="started", *, action_id=7, action_type="firmware_update", uid="pump-1", left=600, **params):
        now = datetime.now(UTC)
        data = {
            "organization_id": 1,
            "version": 2,
            "action_id": action_id,
            "device_id": 1,
            "device_uid": uid,
            "action_type": action_type,
            "params": params,
            "priority": 0,
            "state": "running",
            "attempt": 1,
            "requested_by": "7",
            "requested_at": now,
            "deadline": now + timedelta(seconds=left),
            "updated_at": now,
        }
        event = Envelope(
            id=uuid4(),
            source="/device-management",
            type=f"action.{verb}.v1",
            subject=f"action/{action_id}",
            time=now,
            organizationid=1,
            data=data,
        )
        await ActionConsumer(app.state.scopes)([event])

    return deliver


@pytest.fixture
def sessions(person):
    async def read() -> list[dict]:
        return (await person.get("/api/v2/updates")).json()["items"]

    return read


@pytest.fixture
def refusals(sql):
    async def read() -> list[tuple[int, str]]:
        rows = await sql.fetch("select payload from outbox where type = 'update.refused.v1' order by id")
        told = [json.loads(row["payload"])["data"] for row in rows]
        return [(refusal["action_id"], refusal["reason"]) for refusal in told]

    return read


async def test_an_action_is_carried_out_by_one_session(add_devices, add_firmware, hear, sessions, sql):
    await add_devices("pump-1")
    firmware = await add_firmware()
    for _ in range(2):
        await hear(firmware_id=firmware.id)
    [session] = await sessions()
    assert (session["action_id"], session["firmware_id"], session["opened_by"]) == (7, firmware.id, "7")
    left = datetime.fromisoformat(session["deadline"]) - datetime.now(UTC)
    assert timedelta(seconds=580) < left <= timedelta(seconds=600)
    event = json.loads(await sql.fetchval("select payload from outbox where type = 'update_session.initiated.v1'"))
    assert event["data"]["action_id"] == 7


async def test_a_version_means_the_one_approved_firmware_that_fits(add_devices, add_firmware, hear, sessions):
    await add_devices("pump-1")
    firmware = await add_firmware("2.1.0", hardware_versions=["r1"])
    await hear(action_type="software_update", version="2.1.0")
    assert [session["firmware_id"] for session in await sessions()] == [firmware.id]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "no_firmware_named"),
        ({"firmware_id": "x"}, "no_firmware_named"),
        ({"version": 2}, "no_firmware_named"),
        ({"firmware_id": 999_999}, "firmware_not_found"),
        ({"version": "3.0"}, "firmware_not_found"),
        ({"version": "2.2"}, "firmware_not_found"),
        ({"version": "2.3"}, "firmware_not_found"),
    ],
)
async def test_what_cannot_be_meant_is_refused_with_the_reason(
    add_devices, add_firmware, hear, sessions, refusals, params, reason
):
    await add_devices("pump-1")
    await add_firmware("2.2", hardware_versions=["r9"])
    await add_firmware("2.3", approved=False)
    await hear(**params)
    assert await refusals() == [(7, reason)]
    assert await sessions() == []


async def test_a_device_that_is_being_updated_or_may_not_be_is_refused(update, hear, refusals, add_devices):
    await hear(firmware_id=update.firmware.id)
    await add_devices("pump-2", version=2, updates_enabled=False)
    await hear(uid="pump-2", action_id=8, firmware_id=update.firmware.id)
    assert await refusals() == [(7, "update_session_open"), (8, "device_not_updatable")]


async def test_a_device_that_has_not_reached_the_copy_is_waited_for(add_devices, add_firmware, hear, sessions):
    firmware = await add_firmware()
    with pytest.raises(DeviceNotCopied):
        await hear(firmware_id=firmware.id)
    await add_devices("pump-1")
    await hear(firmware_id=firmware.id)
    assert len(await sessions()) == 1


@pytest.mark.parametrize("verb", ["cancelled", "timed_out"])
async def test_an_action_that_ends_takes_its_session_along(add_devices, add_firmware, hear, sessions, verb):
    await add_devices("pump-1")
    await hear(firmware_id=(await add_firmware()).id)
    for _ in range(2):
        await hear(verb)
    assert [session["state"] for session in await sessions()] == ["cancelled"]


async def test_other_actions_and_those_past_their_deadline_are_left_alone(
    add_devices, add_firmware, hear, sessions, refusals
):
    await add_devices("pump-1")
    firmware = await add_firmware()
    await hear(action_type="system_reboot", firmware_id=firmware.id)
    await hear(left=-5, firmware_id=firmware.id)
    await hear("cancelled")
    assert (await sessions(), await refusals()) == ([], [])


async def test_an_end_without_a_session_is_remembered_until_its_start_could_change_nothing(
    app, add_devices, add_firmware, hear, sessions, sql
):
    await add_devices("pump-1")
    await hear("cancelled")
    await hear(firmware_id=(await add_firmware()).id)
    assert await sessions() == []

    async def left(age: timedelta) -> int:
        await sql.execute("update ended_actions set ended_at = now() - $1::interval", age)
        async with app.state.scopes() as scope:
            await scope.get(ActionService).forget_ended()
        return await sql.fetchval("select count(*) from ended_actions")

    assert (await left(timedelta(days=30)), await left(timedelta(days=32))) == (1, 0)
