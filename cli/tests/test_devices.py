"""`muster devices` as a person or a script runs it."""

import json


def test_a_device_is_registered_and_shown_as_lines_for_grep(muster, platform):
    result = muster("devices", "register", "pump-7", "--name", "Pump 7", "--attribute", "slots=4", "--tag", "north")
    assert result.exit_code == 0
    assert "Device UID: pump-7\n" in result.stdout
    assert 'Attributes: {"slots": 4}\n' in result.stdout
    assert platform.devices["pump-7"]["tags"] == ["north"]


def test_devices_off_a_terminal_are_tab_separated_lines(muster):
    muster("devices", "register", "pump-7", "--name", "Pump\x1b[31m 7", "--type", "pump")
    assert muster("devices", "list").stdout == "pump-7\tPump [31m 7\tpump\tin_stock\toffline\t-\n"


def test_a_token_is_shown_on_a_line_of_its_own(muster):
    muster("devices", "register", "pump-7")
    assert "Token: token-1\n" in muster("devices", "token", "pump-7").stdout


def test_a_token_takes_the_place_of_those_before_which_end_when_it_says(muster):
    muster("devices", "register", "pump-7")
    shown = muster("devices", "rotate-token", "pump-7", "--overlap", "2h").stdout
    assert "Token: token-1\n" in shown
    assert "Those before end: 2026-01-02T05:04:05+00:00\n" in shown


def test_an_overlap_that_is_no_duration_rotates_nothing(muster, platform):
    muster("devices", "register", "pump-7")
    result = muster("devices", "rotate-token", "pump-7", "--overlap", "soon")
    assert (result.exit_code, platform.issued) == (2, 0)
    assert result.stderr == 'error: "soon" is no duration; write it like 90s, 15m, 2h or 7d\n'


def test_all_tokens_of_a_device_are_revoked(muster, platform):
    muster("devices", "register", "pump-7")
    assert muster("devices", "revoke-tokens", "pump-7").stdout == "Revoked: pump-7\n"
    assert platform.calls[-1] == "DELETE devices/token"


def test_who_changed_a_device_is_told_newest_first_and_of_that_device_alone(muster, platform):
    muster("devices", "register", "pump-7")
    entry = {"subject_kind": "device", "action": "edited", "at": "2026-01-02T03:04:05Z", "before": {"name": None}}
    person = {"kind": "user", "id": "1", "name": "ann@fleet.example"}
    platform.audit = [
        {**entry, "id": 3, "subject_id": "1", "actor": {"kind": "system", "id": None, "name": None}, "after": None},
        {**entry, "id": 2, "subject_id": "2", "actor": person, "after": {"name": "Other"}},
        {**entry, "id": 1, "subject_id": "1", "actor": person, "after": {"name": "Püm\x1b[31mp"}},
    ]
    when = "2026-01-02T03:04:05+00:00"
    assert muster("devices", "audit", "pump-7").stdout == (
        f'{when}\tedited\tsystem\t-\n{when}\tedited\tann@fleet.example\t{{"name": "Püm\\u001b[31mp"}}\n'
    )
    assert [one["id"] for one in json.loads(muster("devices", "audit", "pump-7", "--json").stdout)] == [3, 1]


def test_json_is_printed_on_demand(muster):
    muster("devices", "register", "pump-7")
    assert json.loads(muster("devices", "list", "--json").stdout)[0]["device_uid"] == "pump-7"
    assert json.loads(muster("devices", "get", "pump-7", "--json").stdout)["id"] == 1


def test_a_refusal_is_one_line_on_standard_error_and_exit_code_1(muster):
    result = muster("devices", "get", "nowhere")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "error: there is no device nowhere (device_not_found); `muster devices list` shows those there are\n"
    )


def test_wrong_usage_is_exit_code_2(muster):
    result = muster("devices", "register", "--attribute", "slots")
    assert (result.exit_code, result.stderr) == (
        2,
        'error: "slots" is not NAME=VALUE; write it like site=hamburg\n',
    )


def test_a_platform_that_is_away_is_exit_code_3(muster):
    result = muster("devices", "list", "--server", "http://127.0.0.1:9")
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1


def test_a_resync_is_followed_to_its_end(muster):
    for uid in ("a", "b", "c", "d"):
        muster("devices", "register", uid)
    result = muster("devices", "resync")
    assert result.stderr.endswith("told 2/4\ntold 4/4\n")
    assert result.stdout == "Resync ID: 1\nState: completed\nDevices: 4\nTold: 4\n"


def test_a_resync_goes_on_without_being_watched(muster):
    muster("devices", "register", "a")
    assert json.loads(muster("devices", "resync", "--all", "--no-wait", "--json").stdout)["state"] == "running"
