"""An update action is carried out by ota-service: it begins with an event and ends with its session."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from device_management.actions.consumers import NewsConsumer
from shared.contracts.envelope import Envelope

AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def session(app, organizations):
    """What ota-service tells of the session of an action."""

    async def tell(action_id: int, state: str, *, organization_id: int | None = None, **members) -> None:
        kind = {"progress": "progressed"}.get(state, state)
        data = {
            "organization_id": organization_id or organizations.own,
            "version": 1,
            "action_id": action_id,
            "session_id": "s-1",
            "device_uid": "pump-1",
            "firmware_id": 1,
            "firmware_name": "edge",
            "firmware_version": "2.1.0",
            "state": state,
            "counter": 1,
            "opened_at": AT,
            "updated_at": AT,
            **members,
        }
        await _deliver(app, f"update_session.{kind}.v1", data)

    return tell


async def _deliver(app, kind: str, data: dict) -> None:
    event = Envelope(id=uuid4(), source="/ota", type=kind, subject="x", time=AT, organizationid=1, data=data)
    await NewsConsumer(app.state.scopes)([event])


@pytest.fixture
async def updating(ask) -> int:
    return (await ask(type="firmware_update", params={"version": "2.1.0"}))["action_id"]


async def test_the_device_gets_no_command_from_here(updating, commands, told, fleet):
    assert await commands() == []
    assert await told(updating) == ["action.requested.v1", "action.started.v1"]
    assert (await fleet.post(f"/api/v2/actions/{updating}/cancel")).status_code == 200
    assert await commands() == []


async def test_it_follows_its_session_to_the_end(updating, action, session, ask):
    following = await ask()
    await session(updating, "initiated")
    seen = []
    for state, progress in (("acknowledged", None), ("downloading", 50), ("downloading", 20), ("flashed", 100)):
        await session(updating, state, progress=progress)
        seen.append((await action(updating))["progress"])
    assert seen == [5, 45, 45, 90]
    for _ in range(2):
        await session(updating, "completed")
    ended = await action(updating)
    assert (ended["state"], ended["progress"]) == ("completed", 100)
    assert ended["result"] == {"session_id": "s-1", "firmware_version": "2.1.0"}
    assert (await action(following["action_id"]))["state"] == "running"


@pytest.mark.parametrize(
    ("state", "error", "shown"),
    [
        ("failed", "wrong hash", "the update failed: wrong hash"),
        ("cancelled", None, "the update cancelled"),
        ("timed_out", "silent", "the update timed out: silent"),
    ],
)
async def test_a_session_that_ends_otherwise_fails_it(updating, action, session, state, error, shown):
    await session(updating, state, error=error)
    ended = await action(updating)
    assert (ended["state"], ended["error"]) == ("failed", shown)
    await session(updating, "completed")
    assert (await action(updating))["state"] == "failed"


async def test_without_a_session_it_fails_with_the_reason(updating, action, app, organizations):
    data = {
        "organization_id": organizations.own,
        "version": 2,
        "action_id": updating,
        "device_uid": "pump-1",
        "reason": "firmware_not_found",
        "detail": "firmware not found",
    }
    await _deliver(app, "update.refused.v1", data)
    assert (await action(updating))["error"] == "firmware_not_found: firmware not found"
    assert (await action(updating))["state"] == "failed"


async def test_what_is_said_of_another_organizations_action_counts_for_nothing(
    updating, action, session, organizations
):
    await session(updating, "completed", organization_id=organizations.other)
    await session(updating + 100, "completed")
    await session(None, "completed")
    assert (await action(updating))["state"] == "running"
