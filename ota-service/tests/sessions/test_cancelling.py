"""A device that has begun is asked to stop; it stops, refuses, or says nothing."""

import pytest

from ota_service.sessions.schemas import Terms
from ota_service.sessions.service import SessionService

from . import ledger
from .test_api import PATH, code, events, history
from .test_consumers import commands
from .test_races import pass_deadlines, states

BEGUN = ["ack", "downloading", "flashed"]
NAMES = {"ack": "acknowledged", "downloading": "downloading", "flashed": "flashed"}


@pytest.fixture
def cancel(person, update):
    async def post(**body):
        return await person.post(f"/api/v2/updates/{update.id}/cancel", json=body or None)

    return post


async def begin(update, last):
    for verb in BEGUN[: BEGUN.index(last) + 1]:
        await update.device.say(update.id, verb)


@pytest.mark.parametrize("last", BEGUN)
async def test_a_device_that_has_begun_is_asked_and_says_that_it_has_stopped(update, cancel, person, sql, last):
    await begin(update, last)
    answer = await cancel()
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelling")
    assert answer.json()["deadline"] is not None
    assert (await cancel()).json() == answer.json()
    [offer] = (await update.device.waiting()).json()["items"]
    assert offer["state"] == "cancelling"
    [(_, command)] = await commands(sql)
    assert (command["type"], command["params"]) == ("update_cancelled", {"session_id": update.id})
    stopped = await update.device.say(update.id, "cancelled")
    assert (stopped.status_code, stopped.json()["state"]) == (200, "cancelled")
    assert await commands(sql) == []
    assert (await history(person, update.id))[-2:] == [("person 7", "cancelling", True), ("device", "cancelled", True)]
    assert (await events(sql))[-2:] == ["cancelling", "cancelled"]
    await ledger.check(sql)


@pytest.mark.parametrize("last", BEGUN)
async def test_a_device_that_refuses_goes_on_where_it_was(update, cancel, sql, last):
    await begin(update, last)
    await cancel()
    for _ in range(2):
        answer = await update.device.say(update.id, "refuse-cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, NAMES[last])
    for verb in PATH[PATH.index(last) + 1 :]:
        assert (await update.device.say(update.id, verb)).status_code == 200
    assert await states(sql) == {"completed": 1}
    await ledger.check(sql)


async def test_progress_is_not_lost_by_a_refusal(update, cancel):
    await begin(update, "ack")
    await update.device.say(update.id, "downloading", progress=40)
    await cancel()
    assert (await update.device.say(update.id, "refuse-cancel")).json()["progress"] == 40


async def test_a_device_that_was_asked_to_stop_goes_on_only_by_refusing(update, cancel):
    await begin(update, "downloading")
    await cancel()
    for verb in ["ack", "downloading"]:
        answer = await update.device.say(update.id, verb, progress=90)
        assert (code(answer), answer.json()["state"]) == ((409, "wrong_transition"), "cancelling")


@pytest.mark.parametrize(("verb", "state"), [("flashed", "flashed"), ("complete", "completed"), ("fail", "failed")])
async def test_what_has_come_to_its_end_meanwhile_counts(update, cancel, sql, verb, state):
    await begin(update, "downloading")
    await cancel()
    assert (await update.device.say(update.id, verb)).json()["state"] == state
    await ledger.check(sql)


async def test_force_ends_it_whatever_the_device_does(update, cancel, sql):
    await begin(update, "downloading")
    await cancel()
    answer = await cancel(force=True)
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    for verb in ["cancelled", "refuse-cancel", "downloading"]:
        assert (await update.device.say(update.id, verb)).status_code == (200 if verb == "cancelled" else 409)
    await ledger.check(sql)


async def test_a_device_that_says_nothing_is_waited_for_until_the_deadline(update, cancel, person, deadlines, sql):
    await begin(update, "downloading")
    await cancel()
    await pass_deadlines(sql)
    await deadlines()
    session = (await person.get(f"/api/v2/updates/{update.id}")).json()
    assert (session["state"], session["error"]) == ("cancelled", "the device did not say that it has stopped")
    assert session["reports"][-1]["by"] == "deadline"
    assert code(await update.device.say(update.id, "refuse-cancel")) == (409, "wrong_transition")
    await ledger.check(sql)


async def test_a_device_that_stops_by_itself_has_cancelled(update, sql):
    await begin(update, "downloading")
    assert (await update.device.say(update.id, "cancelled", error="by hand")).json()["error"] == "by hand"
    assert code(await update.device.say(update.id, "refuse-cancel")) == (409, "wrong_transition")
    await ledger.check(sql)


async def test_of_many_those_that_have_begun_are_asked_and_the_others_are_over(
    app, update, add_devices, device, person, sql
):
    await add_devices("pump-3", "pump-4")
    async with app.state.scopes() as scope:
        opened = await scope.get(SessionService).open_many(
            1, "7", ["pump-2", "pump-3", "pump-4"], Terms((update.firmware.id,))
        )
    ids = [update.id, *(str(opening.session_id) for opening in opened)]
    await device("pump-2").say(ids[1], "ack")
    await begin(update, "downloading")
    await person.post(f"/api/v2/updates/{update.id}/cancel")

    async def cancel_many(**how):
        async with app.state.scopes() as scope:
            return await scope.get(SessionService).cancel_many(1, ids, "7", **how)

    assert await cancel_many() == 3
    assert await states(sql) == {"cancelling": 2, "cancelled": 2}
    assert (await device("pump-2").say(ids[1], "refuse-cancel")).json()["state"] == "acknowledged"
    assert await cancel_many(force=True) == 2
    assert await states(sql) == {"cancelled": 4}
    await ledger.check(sql)
