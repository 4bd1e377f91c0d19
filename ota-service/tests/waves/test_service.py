"""How releases go on: waves, gates, pace, pauses, late devices and what people say in between."""

import json
from collections import Counter

from ..releases.conftest import batches, told


async def wave_states(look):
    return [wave["state"] for wave in (await look())["waves"]]


async def age(sql, seconds):
    """Time goes by for the waves that are open."""
    await sql.execute(
        "update release_waves set opened_at = opened_at - make_interval(secs => $1), "
        "met_at = met_at - make_interval(secs => $1)",
        seconds,
    )


async def test_a_release_goes_from_wave_to_wave_to_its_end(started, steps, finish, look, open_sessions, sql):
    await started(10, 30, 60)
    assert await wave_states(look) == ["running", "scheduled", "scheduled"]
    for devices in (2, 6, 12):
        assert len(await open_sessions()) == devices
        assert len(await finish()) == devices
        await steps()
        await steps()
    release = await look()
    assert (release["state"], release["progress"]["succeeded"]) == ("completed", 20)
    assert [wave["state"] for wave in release["waves"]] == ["completed"] * 3
    waves = ["wave_opened", "wave_completed"]
    assert await told(sql) == ["created", "started", *waves * 3, "completed"]
    assert [change["what"] for change in release["changes"]] == await told(sql)
    assert [change["version"] for change in release["changes"]] == list(range(1, 10))


async def test_what_is_told_of_an_update_says_for_good_which_release_and_wave_it_is_of(started, steps, finish, sql):
    await started(10, 90)
    await finish(most=1)
    await steps()
    batch = await sql.fetchval("select batch_id from release_clusters where batch_id is not null")
    rows = await sql.fetch("select payload from outbox where subject like 'update_session/%' order by id")
    told = [json.loads(row["payload"])["data"] for row in rows]
    assert {news["state"] for news in told} >= {"initiated", "completed"}
    assert {(news["batch_id"], news["release"], news["wave"]) for news in told} == {(batch, "rel-1", "rel-1-wave-1")}
    kept = await sql.fetch("select distinct batch_id, release, wave from update_sessions")
    assert [tuple(row) for row in kept] == [(batch, "rel-1", "rel-1-wave-1")], "one that has ended forgot it"


async def test_the_next_wave_waits_for_the_success_threshold_and_the_soak(started, steps, finish, look, sql):
    await started(50, 50, soak_s=60)
    await finish(most=8)
    await steps()
    assert (await look())["waves"][0]["met_at"] is None
    await finish(most=1)
    await steps()
    first = (await look())["waves"][0]
    assert (first["met_at"] is not None, first["passed_at"]) == (True, None)
    assert await wave_states(look) == ["running", "scheduled"]
    await age(sql, 61)
    await steps()
    assert await wave_states(look) == ["running", "running"], "one device of the first wave is still being updated"
    await finish()
    await steps()
    assert await wave_states(look) == ["completed", "running"]


async def test_a_release_pauses_at_its_failure_threshold_and_no_wave_opens(started, steps, finish, look, sql, person):
    await started(50, 50, failure_threshold=20)
    await finish(failing=2)
    await steps()
    release = await look()
    assert (release["state"], release["reason"]) == ("paused", "failure_threshold")
    assert release["detail"] == (
        "2 of 10 devices of rel-1-wave-1 were not updated; its failure threshold is 20 percent"
    )
    assert await wave_states(look) == ["failed", "scheduled"]
    answer = await person.post("/api/v2/releases/rel-1/resume")
    assert (answer.status_code, answer.json()["code"], answer.json()["wave"]) == (409, "gate_closed", "rel-1-wave-1")
    await steps()
    assert await told(sql) == ["created", "started", "wave_opened", "paused"]


async def test_one_may_go_on_although_devices_failed(started, steps, finish, look, act):
    await started(50, 50)
    await finish(failing=2)
    await steps()
    assert (await act("resume", ignore_failures=True))["state"] == "running"
    await steps()
    assert await wave_states(look) == ["completed", "running"]
    await finish()
    await steps()
    assert (await look())["state"] == "completed"


async def test_what_failed_is_updated_again_when_it_is_retried(started, steps, finish, look, act, person):
    await started(50, 50)
    await finish(failing=2)
    await steps()
    assert (await act("retry"))["state"] == "running"
    await steps()
    assert len(await finish()) == 2
    await steps()
    assert await wave_states(look) == ["completed", "running"]
    answer = await person.post("/api/v2/releases/rel-1/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_retry")


async def test_a_release_may_be_over_when_a_wave_fails(started, steps, finish, look, open_sessions, sql):
    await started(50, 50, on_failure="fail")
    await finish(failing=1, most=1)
    await steps()
    assert (await look())["state"] == "failed"
    assert await wave_states(look) == ["failed", "cancelled"]
    assert await open_sessions() == {}
    assert await batches(sql) == {"cancelled": 1}


async def test_silent_devices_count_against_the_gate(started, steps, finish, look, deadlines, sql):
    await started(50, 50)
    await finish(most=8)
    await sql.execute("update update_sessions set deadline = now() - interval '1 second' where deadline is not null")
    await deadlines()
    await steps()
    release = await look()
    assert (release["state"], release["waves"][0]["progress"]["failed"]) == ("paused", 2)


async def test_a_wave_that_takes_too_long_has_failed(started, steps, look, sql):
    await started(50, 50, max_s=3600)
    await age(sql, 3601)
    await steps()
    release = await look()
    assert (release["state"], release["reason"]) == ("paused", "too_slow")


async def test_one_may_go_on_with_a_wave_that_took_too_long(started, steps, finish, look, act, sql):
    await started(50, 50, max_s=3600)
    await age(sql, 3601)
    await steps()
    assert (await act("resume", ignore_failures=True))["state"] == "running"
    await steps()
    assert await wave_states(look) == ["running", "scheduled"]
    await finish()
    await steps()
    await steps()
    assert await wave_states(look) == ["completed", "running"]


async def test_a_pause_begins_nothing_and_is_no_time_of_a_wave(started, steps, finish, look, act, open_sessions, sql):
    await started(50, 50, max_s=3600, concurrency=2)
    assert (await act("pause"))["state"] == "paused"
    assert len(await finish()) == 2
    await steps()
    assert await open_sessions() == {}
    assert await wave_states(look) == ["paused", "scheduled"]
    await age(sql, 1800)
    await sql.execute("update releases set paused_at = paused_at - interval '1 hour'")
    await act("resume")
    await steps()
    assert len(await open_sessions()) == 2
    lasted = "select extract(epoch from now() - opened_at) from release_waves where opened_at is not null"
    assert -1810 < await sql.fetchval(lasted) < -1780


async def test_who_asks_again_for_what_is_so_already_changes_nothing(started, act):
    await started(50, 50)
    for verb in ("pause", "cancel", "rollback"):
        first = await act(verb)
        assert await act(verb) == first


async def test_cancelling_ends_everything(started, steps, look, act, open_sessions, sql):
    await started(50, 50)
    assert (await act("cancel"))["state"] == "cancelled"
    await steps()
    assert await open_sessions() == {}
    assert await wave_states(look) == ["cancelled", "cancelled"]
    assert (await look())["progress"]["cancelled"] == 10


async def test_devices_begin_at_the_pace_of_the_release(started, steps, open_sessions, sql):
    await started(50, 50, max_per_hour=60)
    assert len(await open_sessions()) == 1
    await age(sql, 120)
    await steps()
    assert len(await open_sessions()) == 3
    await steps()
    assert len(await open_sessions()) == 3


async def test_a_wave_lasts_at_least_as_long_as_it_must(started, steps, finish, look, sql):
    await started(50, 50, min_s=3600)
    await finish()
    await steps()
    assert await wave_states(look) == ["running", "scheduled"]
    await age(sql, 3600)
    await steps()
    assert await wave_states(look) == ["completed", "running"]


async def test_concurrency_is_kept(started, steps, finish, open_sessions):
    await started(50, 50, concurrency=3)
    assert len(await open_sessions()) == 3
    await finish()
    await steps()
    assert len(await open_sessions()) == 3


async def test_devices_that_come_later_join_when_asked_to(started, steps, finish, look, add_devices, sql):
    await started(50, 50, join_late=True)
    await add_devices("pump-90", "pump-91", "valve-1")
    await sql.execute("update releases set joined_at = now() - interval '1 minute'")
    await steps()
    assert [wave["progress"]["devices"] for wave in (await look())["waves"]] == [10, 12]
    for _ in range(2):
        await finish()
        await steps()
        await steps()
    release = await look()
    assert (release["state"], release["progress"]["succeeded"]) == ("completed", 22)


async def test_one_that_comes_late_and_is_not_asked_stays_out(started, steps, look, add_devices, sql):
    await started(50, 50)
    await add_devices("pump-90")
    await sql.execute("update releases set joined_at = now() - interval '1 minute'")
    await steps()
    assert (await look())["progress"]["devices"] == 20


async def test_devices_that_cannot_be_updated_are_skipped_and_do_not_count(started, steps, finish, look, add_devices):
    await add_devices("pump-00", "pump-01", version=2, updates_enabled=False)
    await started(100)
    assert len(await finish()) == 18
    await steps()
    await steps()
    release = await look()
    assert (release["state"], release["progress"]["skipped"]) == ("completed", 2)


async def test_firmware_that_is_withdrawn_in_between_pauses_the_release(started, steps, finish, look, person, firmware):
    await started(50, 50)
    await person.post(f"/api/v2/firmware/{firmware}/withdraw", json={"reason": "it burns"})
    await finish()
    await steps()
    await steps()
    release = await look()
    assert (release["state"], release["reason"]) == ("paused", "firmware_withdrawn")


async def test_a_wave_without_devices_passes(started, steps, finish, look, firmware):
    bundle = {"apps": [{"firmware_id": firmware}]}
    clusters = [
        [{"rql": 'like(device_uid,"nobody-*")', "bundle": bundle}],
        [{"device_uids": ["pump-01"], "bundle": bundle}],
    ]
    await started(clusters=None, bundle=None, waves=[{"clusters": one} for one in clusters])
    assert await wave_states(look) == ["completed", "running"]


async def test_every_device_is_updated_once(started, steps, finish, look, sql):
    await started(10, 30, 60)
    for _ in range(3):
        await finish()
        await steps()
        await steps()
    found = Counter(row["device_uid"] for row in await sql.fetch("select device_uid from update_sessions"))
    assert set(found.values()) == {1}
    assert len(found) == 20
