"""`muster actions` as a person or a script runs it."""

import json


def test_an_action_is_asked_for_with_its_parameters(muster, platform):
    parameters = ("--params", "speed=3", "--params", "name=front door", "--params", 'deep={"a": [true]}')
    asked = muster("actions", "run", "pump-7", "calibrate", *parameters, "--deadline", "60")
    assert asked.exit_code == 0, asked.stderr
    assert "State: pending\n" in asked.stdout
    [action] = platform.desk.actions
    assert action["params"] == {"speed": 3, "name": "front door", "deep": {"a": [True]}}
    assert (action["device_uid"], action["type"], action["deadline_s"]) == ("pump-7", "calibrate", 60)


def test_one_may_wait_for_its_end(muster):
    waited = muster("actions", "run", "pump-7", "calibrate", "--wait")
    assert waited.exit_code == 0
    assert "State: completed\n" in waited.stdout
    assert "Attempt 1: 2026-01-02T03:04:05+00:00 completed\n" in waited.stdout


def test_one_that_fails_is_exit_code_1_with_the_reason(muster, platform):
    platform.desk.ends = "failed"
    waited = muster("actions", "run", "pump-7", "print", "--wait")
    assert waited.exit_code == 1
    assert "State: failed, out of paper\n" in waited.stdout


def test_actions_are_listed_shown_and_cancelled(muster):
    for uid in ("pump-7", "pump-8"):
        muster("actions", "run", uid, "calibrate")
    assert [line.split("\t")[1] for line in muster("actions", "list").stdout.splitlines()] == ["pump-8", "pump-7"]
    listed = json.loads(muster("actions", "list", "--device", "pump-7", "--json").stdout)
    assert [action["action_id"] for action in listed] == [1]
    assert "State: running\n" in muster("actions", "show", "1").stdout
    assert "State: cancelled\n" in muster("actions", "cancel", "1").stdout


def test_what_is_not_there_says_where_to_look(muster):
    for verb in ("show", "cancel"):
        result = muster("actions", verb, "9")
        assert (result.exit_code, result.stderr) == (
            1,
            "error: action not found (action_not_found); `muster actions list` shows those there are\n",
        )


def test_a_parameter_without_a_value_is_wrong_usage(muster, platform):
    result = muster("actions", "run", "pump-7", "calibrate", "--params", "speed")
    assert (result.exit_code, result.stderr) == (2, 'error: "speed" is not NAME=VALUE; write it like site=hamburg\n')
    assert platform.desk.actions == []
