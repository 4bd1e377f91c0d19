"""Whatever people, a device, and time do to its sessions, one after the other or at once: the ledger holds."""

import asyncio

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ota_service.sessions.jobs import Soaks
from ota_service.sessions.states import OPEN
from shared.testing.databases import empty

from . import ledger
from .test_races import pass_deadlines, states

VERBS = ["ack", "downloading", "flashed", "complete", "fail", "cancelled", "refuse-cancel", "confirm", "deny"]

openings = st.fixed_dictionaries({"soak_s": st.none() | st.just(1), "consent": st.booleans()})

actions = st.one_of(
    st.tuples(st.just("open"), openings),
    st.tuples(st.just("cancel"), st.booleans()),
    st.tuples(st.just("consent"), st.sampled_from(["confirm", "deny"])),
    st.tuples(st.just("presence"), st.sampled_from(["connected", "disconnected"])) | st.just(("soaked",)),
    st.just(("time",)),
    st.tuples(st.sampled_from(VERBS), st.none() | st.integers(0, 100)),
)
steps = st.lists(st.lists(actions, min_size=1, max_size=3), min_size=1, max_size=10)


@given(openings, steps)
@hypothesis_settings(max_examples=20)
async def test_no_transition_twice_a_complete_history_and_an_end(
    app, add_devices, add_firmware, person, device, deadlines, sql, presence, first, steps
):
    await empty(sql)
    await add_devices("pump-1")
    body = {"device_uid": "pump-1", "firmware_id": (await add_firmware()).id, "force": True}
    opened = (await person.post("/api/v2/updates", json=body | first)).json()["session_id"]
    pump = device("pump-1")

    async def act(action, session_id):
        answer = None
        match action:
            case ("open", terms):
                answer = await person.post("/api/v2/updates", json=body | terms)
            case ("cancel", force):
                answer = await person.post(f"/api/v2/updates/{session_id}/cancel", json={"force": force})
            case ("consent", verb):
                answer = await person.post(f"/api/v2/updates/{session_id}/{verb}")
            case ("presence", verb):
                await presence(verb)
            case ("soaked",):
                await Soaks(app.state.scopes)()
            case ("time",):
                await pass_deadlines(sql)
                await deadlines()
            case (verb, progress):
                answer = await pump.say(session_id, verb, **({} if progress is None else {"progress": progress}))
        return answer

    for step in steps:
        # One bare connection: time passes once a step.
        together = [action for action in step if action != ("time",)] + [("time",)] * (("time",) in step)
        answers = await asyncio.gather(*(act(action, opened) for action in together))
        for answer in filter(None, answers):
            assert answer.status_code in {200, 202, 409}, answer.text
            if answer.status_code == 202:
                opened = answer.json()["session_id"]
        await ledger.check(sql)
    await pass_deadlines(sql)
    await deadlines()
    assert not set(await states(sql)) & OPEN
    confirmed = "select count(*) from update_sessions where state = 'completed' and soak_s is not null"
    assert not await sql.fetchval(f"{confirmed} and confirmed_at is null"), "completed without a confirmation"
    await ledger.check(sql)
