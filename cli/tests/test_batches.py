"""`muster updates batch` as a person or a script runs it."""

import json

import pytest


@pytest.fixture
def create(muster, tmp_path):
    path = tmp_path / "pump.bin"
    path.write_bytes(b"image")
    muster("firmware", "upload", str(path), "--name", "pump-os", "--version", "1.2.0")
    muster("firmware", "approve", "1")
    return lambda *more: muster("updates", "batch", "create", "spring", "--firmware", "pump-os@1.2.0", *more)


def test_a_batch_is_watched_to_its_end(muster, create):
    made = create("--device", "pump-7", "--device", "pump-8")
    assert (made.exit_code, "Pending: 2\n" in made.stdout) == (0, True), made.output
    watched = muster("updates", "batch", "watch", "1")
    assert watched.exit_code == 0
    assert watched.stderr.splitlines() == ["in_progress 1/2", "in_progress 2/2", "completed 2/2"]
    assert "Succeeded: 2\n" in watched.stdout


def test_a_device_that_fails_is_exit_code_1_and_is_retried(muster, platform, create):
    platform.convoy.failing.add("pump-8")
    create("--rql", "exists(id)")
    assert muster("updates", "batch", "watch", "1").exit_code == 1
    failed = muster("updates", "batch", "show", "1", "--devices", "--state", "failed")
    assert failed.stdout.split("\t")[:2] == ["pump-8", "failed"]
    platform.convoy.failing.clear()
    assert "State: in_progress\n" in muster("updates", "batch", "retry", "1").stdout
    assert muster("updates", "batch", "watch", "1").exit_code == 0


def test_what_was_given_is_asked_for(create, platform):
    create("--group", "7", "--concurrency", "5", "--per-site", "2", "--window", "22:00-04:00", "--deadline", "60")
    create("--group", "north", "--start-at", "2099-01-01T00:00:00Z")
    assert platform.convoy.asked == [
        {
            "name": "spring",
            "firmware_id": 1,
            "group": 7,
            "concurrency": 5,
            "per_site": 2,
            "deadline_s": 60,
            "window": {"begins": "22:00", "ends": "04:00"},
        },
        {"name": "spring", "firmware_id": 1, "group": "north", "start_at": "2099-01-01T00:00:00Z"},
    ]


def test_a_dry_run_says_what_would_be_skipped(muster, platform, create):
    platform.convoy.unknown.add("nobody")
    result = create("--device", "pump-7", "--device", "nobody", "--dry-run")
    assert result.stdout == "Devices: 2\nTo be updated: 1\nSkipped, device_not_found: 1: nobody\n"
    assert json.loads(muster("updates", "batch", "list", "--json").stdout) == []


def test_a_batch_is_cancelled_and_taken_back(muster, create):
    create("--rql", "exists(id)")
    muster("updates", "batch", "show", "1")
    assert "State: cancelled\n" in muster("updates", "batch", "cancel", "1").stdout
    back = muster("updates", "batch", "rollback", "1")
    assert "Takes back: 1\n" in back.stdout
    listed = muster("updates", "batch", "list").stdout.splitlines()
    assert [line.split("\t")[:2] for line in listed] == [["2", "Rollback of spring"], ["1", "spring"]]


@pytest.mark.parametrize(
    "chosen", [(), ("--device", "pump-7", "--rql", "exists(id)"), ("--rql", "x", "--window", "22")]
)
def test_wrong_usage_is_exit_code_2(create, platform, chosen):
    assert create(*chosen).exit_code == 2
    assert platform.convoy.asked == []


def test_a_batch_that_is_not_there_is_exit_code_1(muster):
    result = muster("updates", "batch", "show", "9")
    assert (result.exit_code, "batch_not_found" in result.stderr) == (1, True)
