"""Several workers and callers at once, deaths in the middle, and devices that come and go."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from device_management.actions.consumers import NewsConsumer
from device_management.actions.jobs import ActionTimer
from device_management.actions.service import ActionService
from device_management.audit.schemas import SYSTEM
from shared.contracts.commands import DeviceReply
from shared.contracts.envelope import Envelope

_ALL = "table "


@pytest.fixture
def news(app):
    async def tell(kind: str, data: dict) -> None:
        envelope = Envelope(
            id=uuid4(), source="test", type=kind, subject="x", time=datetime.now(UTC), organizationid=1, data=data
        )
        await NewsConsumer(app.state.scopes)([envelope])

    return tell


async def test_of_many_that_ask_at_once_one_begins(fleet, ask, sql):
    await asyncio.gather(*(ask() for _ in range(20)))
    assert await sql.fetchval("select count(*) from actions where state = 'running'") == 1
    assert await sql.fetchval("select count(*) from device_commands") == 1


async def test_the_database_holds_one_running_action_for_each_device(ask, sql):
    await ask()
    await ask()
    with pytest.raises(Exception, match="uq_actions_running"):
        await sql.execute("update actions set state = 'running', command_id = gen_random_uuid() where id = 2")


async def test_workers_that_time_out_side_by_side_end_each_action_once(fleet, ask, app, sql):
    for _ in range(10):
        await ask("pump-1")
        await ask("pump-2")
    await sql.execute("update actions set deadline = now()")
    await asyncio.gather(*(ActionTimer(app.state.scopes)() for _ in range(4)))
    assert await sql.fetchval("select count(*) from actions where state = 'timed_out'") == 20
    assert await sql.fetchval("select count(*) from outbox where type = 'action.timed_out.v1'") == 20
    assert await sql.fetchval("select count(*) from devices where current_action_id is not null") == 0


async def test_workers_that_try_again_side_by_side_make_one_attempt(ask, app, sql, hear, commands):
    await ask()
    await hear(("pump-1", {"id": (await commands())[0]["id"], "state": "failed", "error_class": "busy"}))
    await sql.execute("update actions set next_attempt_at = now()")
    await asyncio.gather(*(ActionTimer(app.state.scopes)() for _ in range(4)))
    assert await sql.fetchval("select attempt from actions") == 2
    assert await sql.fetchval("select count(*) from action_attempts") == 2


@pytest.mark.parametrize("step", ["time_out", "try_again", "hear", "cancel", "forget_devices"])
async def test_a_step_that_dies_before_its_commit_leaves_nothing_behind(
    ask, app, sql, hear, commands, organizations, step
):
    asked = await ask()
    identity = (await commands())[0]["id"]
    if step == "try_again":
        await hear(("pump-1", {"id": identity, "state": "failed", "error_class": "busy"}))
        await sql.execute("update actions set next_attempt_at = now()")
    if step == "time_out":
        await sql.execute("update actions set deadline = now()")
    before = await _everything(sql)
    with suppress(RuntimeError):
        async with app.state.scopes() as scope:
            await _do(scope.get(ActionService), step, asked, identity, organizations.own)
            raise RuntimeError
    assert await _everything(sql) == before
    async with app.state.scopes() as scope:
        await _do(scope.get(ActionService), step, asked, identity, organizations.own)
    assert await _everything(sql) != before


async def test_a_device_that_connects_is_reminded_of_what_it_has_not_answered(fleet, ask, sql, commands, hear, news):
    for uid in ("pump-1", "pump-2"):
        await ask(uid)
    asked, answered = (await commands("pump-1"))[0], (await commands("pump-2"))[0]
    await hear(("pump-2", {"id": answered["id"], "state": "running"}))
    await sql.execute("delete from device_commands")
    for uid in ("pump-1", "pump-2"):
        data = {"organization_id": 1, "version": 1, "device_uid": uid, "online": True, "since": datetime.now(UTC)}
        await news("device.connected.v1", data)
    assert await commands("pump-1") == [asked]
    assert await commands("pump-2") == []


async def test_what_a_retired_device_was_asked_ends(fleet, ask, action, sql, news):
    asked = [(await ask())["action_id"] for _ in range(2)]
    await fleet.delete("/api/v2/devices/pump-1")
    now = datetime.now(UTC)
    data = {"organization_id": 1, "version": 2, "device_id": 1, "device_uid": "pump-1", "lifecycle": "retired"}
    await news("device.retired.v1", {**data, "min_token_generation": 2, "registered_at": now, "updated_at": now})
    assert [(await action(number))["state"] for number in asked] == ["cancelled", "cancelled"]
    assert await sql.fetchval("select current_action_id from devices where device_uid = 'pump-1'") is None


async def _do(actions: ActionService, step: str, asked: dict, identity: str, organization_id: int) -> None:
    match step:
        case "hear":
            await actions.hear([("pump-1", DeviceReply(identity, "completed"))])
        case "cancel":
            await actions.cancel(organization_id, asked["action_id"], by=SYSTEM)
        case "forget_devices":
            await actions.forget_devices([1])
        case _:
            await getattr(actions, step)()


async def _everything(sql) -> list[list[dict]]:
    tables = ("actions", "action_attempts", "device_commands", "outbox", "devices")
    return [[dict(row) for row in await sql.fetch(_ALL + table)] for table in tables]


async def test_a_device_is_not_reminded_of_what_is_cancelled_meanwhile(fleet, ask, sql, commands, news, settings):
    asked = await ask()
    command = (await commands())[0]
    await sql.execute("delete from device_commands")
    data = {"organization_id": 1, "version": 1, "device_uid": "pump-1", "online": True, "since": datetime.now(UTC)}
    other = await asyncpg.connect(settings.database_url().replace("+asyncpg", ""))
    async with other.transaction():
        # As one who cancels does: it holds the device, and commits when the reminder is under way.
        await other.execute("select from devices where device_uid = 'pump-1' for no key update")
        await other.execute(
            "update actions set state = 'cancelled', completed_at = now() where id = $1", asked["action_id"]
        )
        reminding = asyncio.create_task(news("device.connected.v1", data))
        await asyncio.wait([reminding], timeout=0.5)
    await reminding
    await other.close()
    assert command not in await commands()
