"""Whatever people, devices, workers and time do to a release, one after the other or at once: the ledger holds."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ota_service.sessions.states import OPEN
from shared.testing.databases import empty

from ..batches import ledger as batch_ledger
from ..releases.conftest import UIDS
from ..sessions import ledger as session_ledger
from . import ledger

actions = st.one_of(
    st.sampled_from([("work",), ("time",), ("pause",), ("resume",), ("retry",), ("cancel",), ("rollback",)]),
    st.tuples(st.sampled_from(["finish", "fail"]), st.integers(1, 6)),
    st.just(("work",)),
)
plans = st.lists(st.lists(actions, min_size=1, max_size=3), min_size=1, max_size=8)
shapes = st.fixed_dictionaries(
    {
        "success_threshold": st.sampled_from([50, 90, 100]),
        "failure_threshold": st.sampled_from([10, 50]),
        "on_failure": st.sampled_from(["pause", "fail", "rollback"]),
        "concurrency": st.sampled_from([None, 2]),
    }
)

ENDED = {"completed", "failed", "cancelled", "rolled_back"}
MOST_ROUNDS = 12
"""Of people who let it go on and devices that say nothing, until a release has ended."""

HALF = {"success_threshold": 50, "failure_threshold": 50, "on_failure": "pause", "concurrency": None}
"""Of the two devices of the first wave one is enough to pass it, and one to stop the release."""


@example([[("fail", 1)], [("finish", 1)], [("work",)]], HALF)
@given(plans, shapes)
@hypothesis_settings(max_examples=8)
async def test_no_wave_after_its_gate_no_device_twice_and_an_end(
    add_devices, add_firmware, person, device, open_sessions, deadlines, steps, sql, plan, shape
):
    await empty(sql)
    await add_devices(*UIDS[:8])
    bundle = {"apps": [{"firmware_id": (await add_firmware()).id}]}
    clusters = [{"rql": 'like(device_uid,"pump-*")'}]
    waves = [{"percent": 25}, {"percent": 75}]
    document = {"name": "x", "slug": "rel-1", "bundle": bundle, "clusters": clusters, "waves": waves, **shape}
    assert (await person.post("/api/v2/releases", json=document)).status_code == 201
    await person.post("/api/v2/releases/rel-1/start")
    await steps()

    async def say(most, *verbs):
        for uid, session_id in list((await open_sessions()).items())[:most]:
            for verb in verbs:
                answer = await device(uid).say(session_id, verb)
                assert answer.status_code in {200, 409}, answer.text

    async def act(action):
        match action:
            case ("work",):
                await steps()
            case ("finish", most):
                await say(most, "ack", "downloading", "flashed", "complete")
            case ("fail", most):
                await say(most, "fail")
            case ("time",):
                await sql.execute("update update_sessions set deadline = now() where deadline is not null")
                await deadlines()
            case (verb,):
                body = {"ignore_failures": True} if verb == "resume" else None
                answer = await person.post(f"/api/v2/releases/rel-1/{verb}", json=body)
                assert answer.status_code in {200, 409}, answer.text

    for together in plan:
        # One bare connection: what goes by it is done one after the other, people's requests beside it.
        alone = [action for action in together if action[0] in {"work", "time", "finish", "fail"}]
        others = asyncio.gather(*(act(action) for action in together if action not in alone))
        for action in alone:
            await act(action)
        await others
        await check_all(sql)
    for _ in range(MOST_ROUNDS):
        await person.post("/api/v2/releases/rel-1/resume", json={"ignore_failures": True})
        await act(("time",))
        await steps()
        if await sql.fetchval("select state from releases") in ENDED:
            break
    else:
        pytest.fail("the release has no end")
    await act(("time",))
    assert not {row["state"] for row in await sql.fetch("select state from update_sessions")} & OPEN
    await check_all(sql)


async def check_all(sql):
    """A release, its batches and their sessions."""
    for one in (ledger, batch_ledger, session_ledger):
        await one.check(sql)
