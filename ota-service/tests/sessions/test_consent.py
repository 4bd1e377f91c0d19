"""A session that is held waits for a person or the device to confirm it."""

import pytest

from ..conftest import IMAGE
from . import ledger
from .test_api import PATH, code, events
from .test_consumers import commands
from .test_races import pass_deadlines, states


@pytest.fixture
async def held(add_devices, add_firmware, person):
    await add_devices("pump-1")
    body = {"device_uid": "pump-1", "firmware_id": (await add_firmware()).id, "consent": True}
    answer = (await person.post("/api/v2/updates", json=body)).json()
    assert answer["state"] == "held"
    return answer


@pytest.mark.parametrize("by_device", [False, True])
async def test_a_confirmed_session_is_announced_and_goes_its_way(held, person, device, sql, by_device):
    session_id, pump = held["session_id"], device()
    assert [command["type"] for _, command in await commands(sql)] == ["update_held"]
    for _ in range(2):
        if by_device:
            answer = await pump.say(session_id, "confirm")
        else:
            answer = await person.post(f"/api/v2/updates/{session_id}/confirm")
        assert (answer.status_code, answer.json()["state"]) == (200, "initiated")
    assert answer.json()["deadline"] == held["deadline"]
    assert [(command["type"], command["id"]) for _, command in await commands(sql)] == [
        ("update_available", session_id)
    ]
    for verb in PATH:
        assert (await pump.say(session_id, verb)).status_code == 200
    assert (await events(sql))[:2] == ["held", "initiated"]
    await ledger.check(sql)


@pytest.mark.parametrize("by_device", [False, True])
async def test_a_denied_session_is_over(held, person, device, sql, by_device):
    session_id, pump = held["session_id"], device()
    for _ in range(2):
        if by_device:
            answer = await pump.say(session_id, "deny")
        else:
            answer = await person.post(f"/api/v2/updates/{session_id}/deny")
        assert answer.status_code == 200
        assert (answer.json()["state"], answer.json()["error"]) == ("cancelled", "consent was denied")
    assert code(await person.post(f"/api/v2/updates/{session_id}/confirm")) == (409, "wrong_transition")
    await ledger.check(sql)


async def test_nothing_of_a_held_update_is_given_out_or_begun(held, device):
    session_id, pump = held["session_id"], device()
    [offer] = (await pump.waiting()).json()["items"]
    assert offer["state"] == "held"
    assert code(await pump.http.get(offer["download"])) == (409, "update_session_held")
    for verb in PATH:
        assert code(await pump.say(session_id, verb)) == (409, "wrong_transition")
    await pump.say(session_id, "confirm")
    assert (await pump.http.get(offer["download"])).content == IMAGE


async def test_what_has_its_consent_cannot_be_denied_any_more(held, person, device):
    await person.post(f"/api/v2/updates/{held['session_id']}/confirm")
    assert code(await device().say(held["session_id"], "deny")) == (409, "wrong_transition")
    assert code(await person.post(f"/api/v2/updates/{held['session_id']}/deny")) == (409, "wrong_transition")


async def test_what_nobody_confirms_times_out_and_what_is_cancelled_is_over(held, person, deadlines, sql):
    await pass_deadlines(sql)
    await deadlines()
    session = (await person.get(f"/api/v2/updates/{held['session_id']}")).json()
    assert (session["state"], session["error"]) == ("timed_out", "nobody has confirmed it")
    body = {"device_uid": "pump-1", "firmware_id": held["firmware_id"], "consent": True}
    second = (await person.post("/api/v2/updates", json=body)).json()
    assert (await person.post(f"/api/v2/updates/{second['session_id']}/cancel")).json()["state"] == "cancelled"
    assert await states(sql) == {"timed_out": 1, "cancelled": 1}
    await ledger.check(sql)


async def test_another_devices_held_session_is_not_found(held, add_devices, device):
    await add_devices("pump-2")
    for verb in ["confirm", "deny", "refuse-cancel", "cancelled"]:
        assert code(await device("pump-2").say(held["session_id"], verb)) == (404, "update_session_not_found")
