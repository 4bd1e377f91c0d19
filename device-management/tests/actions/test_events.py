"""What is said of actions by the thousand has the shape of the contract."""

import pytest

from shared.contracts.actions import ActionRequested, ActionStarted
from shared.contracts.envelope import Envelope


@pytest.fixture
def events(sql):
    """The events about an action, in their order."""

    async def read(action_id):
        rows = await sql.fetch("select payload from outbox where subject = $1 order by id", f"action/{action_id}")
        return [Envelope.decode(row["payload"].encode()) for row in rows]

    return read


async def test_an_action_that_begins_at_once_was_requested_before(ask, action, events):
    asked = await ask(params={"deep": [1.5, None, {"e": "é"}], "large": 10**30})
    was_requested, was_started = await events(asked["action_id"])
    before, after = ActionRequested.of(was_requested), ActionStarted.of(was_started)
    assert was_requested.data.keys() == was_started.data.keys() == ActionStarted.model_fields.keys()
    assert (before.version, before.state, before.attempt, before.started_at) == (1, "pending", 0, None)
    assert (after.version, after.state, after.attempt) == (2, "running", 1)
    assert after.params == before.params == asked["params"]
    shown = await action(asked["action_id"])
    known = shown.keys() & was_started.data.keys()
    assert len(known) > 15
    assert {name: was_started.data[name] for name in known} == {name: shown[name] for name in known}


async def test_one_that_waits_is_requested_and_started_when_its_turn_comes(ask, action, events, hear):
    first, second = await ask(), await ask()
    [waits] = await events(second["action_id"])
    assert (waits.type, waits.data["state"], waits.data["version"]) == ("action.requested.v1", "pending", 1)
    command_id = (await action(first["action_id"]))["attempts"][0]["command_id"]
    await hear(("pump-1", {"id": command_id, "state": "completed"}))
    assert [event.type for event in await events(second["action_id"])][-1] == "action.started.v1"
    assert (await events(first["action_id"]))[-1].data["state"] == "completed"
