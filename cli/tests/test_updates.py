"""`muster updates` as a person or a script runs it."""

import json

import pytest


@pytest.fixture
def firmware(muster, tmp_path):
    path = tmp_path / "pump.bin"
    path.write_bytes(b"image")
    muster("firmware", "upload", str(path), "--name", "pump-os", "--version", "1.2.0")
    muster("firmware", "approve", "1")
    return "pump-os@1.2.0"


def test_an_update_is_watched_to_its_end(muster, firmware):
    started = muster("updates", "start", "pump-7", "--firmware", firmware)
    assert "State: initiated\n" in started.stdout
    watched = muster("updates", "watch", "pump-7")
    assert watched.exit_code == 0
    assert "State: completed\n" in watched.stdout
    assert [line.rpartition(": ")[2] for line in watched.stderr.splitlines()] == [
        "acknowledged",
        "downloading",
        "flashed",
        "completed",
    ]


def test_an_update_that_fails_is_exit_code_1_with_the_reason(muster, platform, firmware):
    platform.shelf.ends = "failed"
    muster("updates", "start", "pump-7", "--firmware", firmware)
    watched = muster("updates", "watch", "session-1")
    assert watched.exit_code == 1
    assert "State: failed, wrong_sha256: the image is not the one that was signed\n" in watched.stdout


def test_a_refused_update_says_what_to_do(muster, platform, firmware):
    platform.shelf.firmware[0]["state"] = "uploaded"
    result = muster("updates", "start", "pump-7", "--firmware", firmware)
    assert (result.exit_code, result.stderr) == (
        1,
        "error: the firmware is not approved (firmware_not_approved); `muster firmware approve` does it\n",
    )


def test_several_devices_are_updated_in_one_command(muster, platform, firmware):
    result = muster("updates", "start", "pump-7", "pump-8", "--firmware", firmware, "--every", "0.01")
    assert result.exit_code == 0
    assert [line.split("\t")[1] for line in result.stdout.splitlines()] == ["pump-7", "pump-8"]
    listed = json.loads(muster("updates", "list", "--device", "pump-8", "--json").stdout)
    assert [session["session_id"] for session in listed] == ["session-2"]


def test_one_refused_device_stops_no_other_and_is_told(muster, platform, firmware):
    honest = platform.shelf._start
    refusal = 409, {"code": "device_not_updatable", "detail": "the device is retired"}
    platform.shelf._start = lambda body: refusal if body["device_uid"] == "pump-7" else honest(body)
    result = muster("updates", "start", "pump-7", "pump-8", "--firmware", firmware)
    assert result.exit_code == 1
    assert result.stderr == "error: pump-7: the device is retired (device_not_updatable)\n"
    assert [session["device_uid"] for session in platform.shelf.sessions] == ["pump-8"]


def test_an_update_is_cancelled(muster, firmware):
    muster("updates", "start", "pump-7", "--firmware", firmware)
    assert "State: cancelled\n" in muster("updates", "cancel", "session-1").stdout
    assert muster("updates", "watch", "session-1").exit_code == 1


def test_what_is_not_there_says_where_to_look(muster):
    for arguments in (("show", "nowhere"), ("watch", "nowhere"), ("cancel", "nowhere")):
        result = muster("updates", *arguments)
        assert result.exit_code == 1
        assert result.stderr.endswith("`muster updates list` shows those there are\n")


def test_an_update_is_started_on_terms(muster, platform, firmware):
    given = ("--soak", "60", "--deadline", "90", "--floor", "boot=2.1", "--floor", "edge=1", "--consent", "--force")
    assert muster("updates", "start", "pump-7", "--firmware", firmware, *given).exit_code == 0
    asked = platform.shelf.sessions[0]
    assert (asked["soak_s"], asked["deadline_s"], asked["consent"], asked["force"]) == (60, 90, True, True)
    assert asked["floors"] == {"boot": "2.1", "edge": "1"}
    wrong = muster("updates", "start", "pump-7", "--firmware", firmware, "--floor", "boot")
    assert (wrong.exit_code, wrong.stderr) == (2, 'error: "boot" is not NAME=VALUE; write it like site=hamburg\n')
