"""Canaries: without monitoring's word that its devices are no worse than others no wave opens the next."""

import pytest

from ..releases.conftest import told
from ..waves import ledger
from .conftest import CANARY

FIRST = ["created", "started", "wave_opened", "canary_requested"]


async def test_a_gate_asks_monitoring_once_and_waits_for_it(watched, steps, look, asked, answer, sql):
    await watched()
    await steps()
    [request] = await asked()
    canary = request["canary"]
    assert (request["slug"], request["wave"], canary["wave"]) == ("rel-1", "rel-1-wave-1", "rel-1-wave-1")
    assert canary["metrics"] == [{"metric": "temperature", "worse": "higher", "tolerance_percent": 10}]
    assert await told(sql) == FIRST
    waits = (await look())["waves"][0]
    assert (waits["state"], waits["passed_at"], waits["canary"]["verdict"]) == ("running", None, None)
    await answer("passed")
    await steps()
    assert (await told(sql))[4:] == ["wave_completed", "wave_opened"]
    passed = (await look())["waves"][0]["canary"]
    assert (passed["verdict"], passed["figures"][0]["mean"]) == ("passed", 4.2)
    await ledger.check(sql)


async def test_without_an_answer_in_time_the_release_pauses(watched, steps, look, answer, sql):
    await watched(on_failure="rollback")
    await sql.execute("update release_canaries set deadline = now()")
    await steps()
    release = await look()
    assert (release["state"], release["reason"]) == ("paused", "canary_inconclusive")
    assert release["detail"] == "rel-1-wave-1: monitoring did not answer in time"
    await answer("passed")
    await steps()
    assert (await look())["waves"][0]["canary"]["verdict"] == "inconclusive", "an answer that comes too late counts not"
    assert await told(sql) == [*FIRST, "paused"]


@pytest.mark.parametrize(
    ("verdict", "on_failure", "state"),
    [
        ("failed", "pause", "paused"),
        ("failed", "fail", "failed"),
        ("failed", "rollback", "rolling_back"),
        ("inconclusive", "rollback", "paused"),
        ("splendid", "rollback", "paused"),
    ],
)
async def test_a_release_does_what_its_document_says_when_a_canary_fails(
    watched, steps, look, answer, sql, verdict, on_failure, state
):
    await watched(on_failure=on_failure)
    await answer(verdict)
    await steps()
    release = await look()
    assert release["reason"] == ("canary_failed" if verdict == "failed" else "canary_inconclusive")
    assert release["detail"] == "rel-1-wave-1: temperature is 4 percent higher"
    assert release["state"] in {state, "rolled_back" if state == "rolling_back" else state}
    assert "wave_completed" not in await told(sql)
    await ledger.check(sql)


async def test_the_first_answer_counts_and_only_the_organizations_own(watched, steps, look, answer):
    await watched()
    await answer("passed", organization_id=2)
    await answer("passed", canary_id=999_999)
    assert (await look())["waves"][0]["canary"]["verdict"] is None
    await answer("failed")
    await answer("passed")
    await steps()
    assert (await look())["reason"] == "canary_failed"


async def test_a_person_may_go_on_all_the_same_or_have_it_watched_again(
    watched, steps, look, answer, act, person, asked
):
    await watched()
    await answer("inconclusive")
    await steps()
    refused = await person.post("/api/v2/releases/rel-1/resume")
    assert (refused.status_code, refused.json()["code"]) == (409, "gate_closed")
    assert (await act("retry"))["state"] == "running"
    await steps()
    assert len(await asked()) == 2
    await answer("failed")
    await steps()
    assert (await act("resume", ignore_failures=True))["state"] == "running"
    await steps()
    first, second = (await look())["waves"]
    assert (first["canary"]["verdict"], first["canary"]["waived"], second["state"]) == ("failed", True, "running")
    assert len(await asked()) == 2


async def test_a_wave_that_fails_while_it_is_watched_has_failed(watched, answer, steps, look, sql):
    await watched()
    await sql.execute("update update_batches set succeeded = 5, failed = 5")
    await steps()
    assert (await look())["reason"] == "failure_threshold"
    await answer("passed")
    await steps()
    assert "wave_completed" not in await told(sql)


async def test_a_wave_without_devices_has_nothing_to_compare(draw_up, act, steps, firmware, sql):
    bundle = {"apps": [{"firmware_id": firmware}]}
    waves = [
        {"clusters": [{"device_uids": ["nobody"]}], "canary": CANARY},
        {"clusters": [{"device_uids": ["pump-01"]}]},
    ]
    await draw_up(waves=waves, clusters=None, bundle=bundle)
    await act("start")
    await steps()
    assert (await told(sql))[2:] == ["wave_opened", "wave_completed", "wave_opened"]


@pytest.mark.parametrize(
    "canary",
    [
        {"alerts": False},
        {"window_s": 59},
        {"min_devices": 1},
        {"metrics": [{"metric": "a b", "worse": "higher"}]},
        {"metrics": [{"metric": "t", "worse": "other"}]},
        {"metrics": [{"metric": "t", "worse": "lower"}] * 2},
        {"metrics": [{"metric": f"t{number}", "worse": "lower"} for number in range(11)]},
    ],
)
async def test_a_canary_that_says_nothing_or_too_much_is_refused(person, document, canary):
    body = document(waves=[{"percent": 100, "canary": canary}])
    answer = await person.post("/api/v2/releases", json=body)
    assert answer.status_code == 422
    assert {"canary"} <= set(answer.json()["errors"][0]["location"])


async def test_why_says_that_the_wave_before_is_watched(watched, person, sql):
    await watched()
    uid = await sql.fetchval("select device_uid from release_devices where handed_at is null limit 1")
    why = (await person.get("/api/v2/updates/why", params={"device_uid": uid, "release": "rel-1"})).json()
    assert (why["reason"], why["until"] is not None) == ("wave_watched", True)
