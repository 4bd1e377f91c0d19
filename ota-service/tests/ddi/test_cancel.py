"""A device that has begun is asked to stop: it does, or it goes on."""

import pytest


@pytest.fixture
async def cancelled(update, person):
    """The update, which the device has begun before somebody cancelled it."""
    await update.target.get(f"/deploymentBase/{update.action}")
    assert (await person.post(f"/api/v2/updates/{update.id}/cancel")).is_success
    return update


async def test_a_device_that_has_begun_is_sent_to_the_cancellation(cancelled):
    links = await cancelled.target.links()
    assert links["cancelAction"] == f"/cancelAction/{cancelled.action}"
    assert "deploymentBase" not in links
    number = str(cancelled.action)
    answer = await cancelled.target.get(links["cancelAction"])
    assert answer.json() == {"id": number, "cancelAction": {"stopId": number}}
    assert (await cancelled.target.get(f"/deploymentBase/{number}")).status_code == 404


@pytest.mark.parametrize(
    ("execution", "finished", "becomes"),
    [
        ("closed", "success", "cancelled"),
        ("closed", "none", "cancelled"),
        ("canceled", "none", "cancelled"),
        ("closed", "failure", "acknowledged"),
        ("rejected", "success", "acknowledged"),
        ("proceeding", "none", "cancelling"),
    ],
)
async def test_the_device_answers_a_cancellation(cancelled, state_of, execution, finished, becomes):
    answer = await cancelled.target.say(cancelled.action, execution, finished, below="cancelAction")
    assert answer.status_code == 200
    assert await state_of(cancelled) == becomes
    assert ("deploymentBase" in await cancelled.target.links()) == (becomes == "acknowledged")


@pytest.mark.parametrize(("finished", "becomes"), [("success", "completed"), ("failure", "failed")])
async def test_an_update_that_is_being_cancelled_may_still_be_closed(cancelled, state_of, finished, becomes):
    assert (await cancelled.target.say(cancelled.action, "proceeding")).status_code == 200
    assert await state_of(cancelled) == "cancelling"
    assert (await cancelled.target.say(cancelled.action, "closed", finished)).status_code == 200
    assert await state_of(cancelled) == becomes
    answer = await cancelled.target.say(cancelled.action, "closed", "success", below="cancelAction")
    assert (answer.status_code, answer.json()["errorCode"]) == (410, "muster.action_gone")


async def test_what_nobody_cancels_has_no_cancellation(update, state_of):
    assert (await update.target.get(f"/cancelAction/{update.action}")).status_code == 404
    answer = await update.target.say(update.action, "closed", "success", below="cancelAction")
    assert (answer.status_code, answer.json()["errorCode"]) == (405, "muster.not_being_cancelled")
    assert await state_of(update) == "initiated"
