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
