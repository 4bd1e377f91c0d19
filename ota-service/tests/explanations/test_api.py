"""Why a device was not updated, in one call, wherever it is stuck."""

import pytest


@pytest.fixture
def why(person):
    async def why(device_uid, release="rel-1"):
        params = {"device_uid": device_uid} | ({"release": release} if release else {})
        answer = await person.get("/api/v2/updates/why", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return why


@pytest.fixture
def waves(sql):
    async def waves() -> dict[int, list[str]]:
        """The devices of each wave."""
        rows = await sql.fetch(
            "select w.position, d.device_uid from release_devices d join release_clusters c on c.id = d.cluster_id "
            "join release_waves w on w.id = c.wave_id order by 2"
        )
        return {place: [row["device_uid"] for row in rows if row["position"] == place] for place in (0, 1)}

    return waves


async def test_a_release_that_does_not_go_on(draw_up, why, act, steps):
    await draw_up(50, 50, approval=True, start_at="2099-01-01T00:00:00Z")
    assert (await why("pump-01"))["reason"] == "not_approved"
    await act("approve")
    assert (await why("pump-01"))["reason"] == "not_started"
    await act("start")
    found = await why("pump-01")
    assert (found["reason"], found["until"]) == ("scheduled", "2099-01-01T00:00:00Z")
    await act("cancel")
    assert (await why("pump-01"))["reason"] == "release_cancelled"


async def test_a_device_that_takes_no_part(started, why, add_devices, person):
    await started(50, 50)
    await add_devices("valve-1", "pump-90")
    await add_devices("valve-2", lifecycle="retired")
    assert [(await why(uid))["reason"] for uid in ("valve-1", "pump-90", "valve-2")] == [
        "not_selected",
        "appeared_later",
        "retired",
    ]
    for query in ("device_uid=nobody", "device_uid=pump-01&release=none"):
        assert (await person.get(f"/api/v2/updates/why?{query}")).status_code == 404


async def test_from_wave_to_wave(started, why, waves, steps, finish, sql):
    await started(50, 50, soak_s=60, max_per_hour=60)
    first, second = (await waves()).values()
    found = await why(second[0])
    assert (found["reason"], found["updated"], found["wave"]) == ("wave_waits", False, "wave:rel-1-wave-2")
    assert found["detail"] == (
        "rel-1-wave-2 opens once 90 percent of rel-1-wave-1 are updated; so far 0 of 10 devices are"
    )
    reasons = {uid: (await why(uid))["reason"] for uid in first}
    assert sorted(reasons.values()) == ["not_taken_up"] + ["pace"] * 9
    await sql.execute("update release_waves set opened_at = opened_at - interval '1 hour'")
    await steps()
    await finish()
    await steps()
    assert (await why(second[0]))["reason"] == "wave_soaks"
    done = await why(first[0])
    assert (done["reason"], done["updated"], done["next_step"]) == ("updated", True, None)


async def test_a_turn_in_the_batch(started, why, waves, steps, add_devices, device, open_sessions):
    await add_devices("pump-00", version=2, updates_enabled=False)
    await started(100, concurrency=1)
    assert (await why("pump-00"))["reason"] == "updates_disabled"
    [(uid, session_id)] = (await open_sessions()).items()
    other = next(f"pump-{number:02d}" for number in range(1, 20) if f"pump-{number:02d}" != uid)
    assert (await why(other))["reason"] == "waits_for_turn"
    await device(uid).say(session_id, "ack")
    found = await why(uid)
    assert (found["reason"], found["session_id"]) == ("in_progress", session_id)


async def test_a_closed_window(started, why, steps):
    await started(100, window={"begins": "00:00", "ends": "00:01", "days": ["mon"]})
    found = await why("pump-01")
    assert found["reason"] in {"outside_window", "not_taken_up"}


async def test_an_update_that_failed_pauses_the_release(started, why, waves, finish, steps):
    await started(50, 50)
    [failed, *_] = await finish(failing=1)
    await steps()
    assert (await why(failed))["reason"] == "failed"
    waiting = await why((await waves())[1][0])
    assert waiting["reason"] == "release_paused"
    assert "failure threshold" in waiting["detail"]
    assert "ignore_failures" in waiting["next_step"]


async def test_without_a_release_it_is_the_newest_or_the_last_update(started, why, person, firmware, add_devices):
    await add_devices("valve-1")
    assert (await why("valve-1", release=None))["reason"] == "no_update"
    await person.post("/api/v2/updates", json={"device_uid": "valve-1", "firmware_id": firmware})
    assert (await why("valve-1", release=None))["reason"] == "not_taken_up"
    await started(100)
    assert (await why("pump-01", release=None))["release"] == "release:rel-1"
