"""`muster releases`, against the platform in memory."""

import json

import pytest

RELEASE = """
name: January
slug: rel-1
window: {begins: 22:00, ends: 04:00}
start_at: 2026-01-02T03:04:05Z
clusters:
  - rql: 'eq(attributes/type,"pump")'
waves:
  - percent: 100
    soak_s: 3600
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "release.yaml"
    path.write_text(RELEASE)
    return str(path)


def test_a_file_is_sent_as_it_is_written(muster, platform, file):
    created = muster("releases", "create", file)
    assert created.exit_code == 0, created.stderr
    assert "State: draft\n" in created.stdout
    [document] = platform.yard.documents
    assert document["window"] == {"begins": "22:00", "ends": "04:00"}
    assert document["start_at"] == "2026-01-02T03:04:05Z"
    assert document["waves"] == [{"percent": 100, "soak_s": 3600}]


def test_a_dry_run_tells_what_it_would_come_to(muster, platform, file):
    tried = muster("releases", "create", file, "--dry-run")
    assert tried.exit_code == 0, tried.stderr
    assert tried.stdout.splitlines() == [
        "Devices: 2",
        "Cannot be updated now, retired: 1",
        "wave:wave-1 cluster:pumps: 2",
    ]
    assert platform.yard.releases == []


def test_what_is_wrong_is_told_with_its_place(muster, tmp_path):
    (tmp_path / "bad.yaml").write_text("name: x")
    refused = muster("releases", "create", str(tmp_path / "bad.yaml"))
    assert (refused.exit_code, refused.stderr) == (1, "error: slug: Field required (release_invalid)\n")
    (tmp_path / "bad.yaml").write_text("slug: x\nwaves:\n  - percent: 5\n  - soak_s: 60\n    percent: 200\n")
    for more in ((), ("--dry-run",)):
        refused = muster("releases", "create", "bad.yaml", *more)
        said = "error: bad.yaml line 5: waves.1.percent: at most 100 (release_invalid)\n"
        assert (refused.exit_code, refused.stderr) == (1, said)
    (tmp_path / "bad.yaml").write_text("name: [")
    assert muster("releases", "create", str(tmp_path / "bad.yaml")).exit_code == 2
    missing = muster("releases", "create", "nowhere.yaml")
    assert (missing.exit_code, missing.stderr) == (2, "error: nowhere.yaml cannot be read: No such file or directory\n")


def test_releases_are_listed_shown_and_asked(muster, platform, file):
    muster("releases", "create", file)
    assert muster("releases", "list").stdout.split("\t")[:4] == ["rel-1", "rel-1", "draft", "0/2"]
    assert "Wave wave-1: draft, 0 of 2 updated, 0 failed\n" in muster("releases", "show", "rel-1").stdout
    for verb, state in (
        ("start", "running"),
        ("pause", "paused"),
        ("cancel", "cancelled"),
        ("rollback", "rolled_back"),
    ):
        assert f"State: {state}\n" in muster("releases", verb, "rel-1").stdout
    muster("releases", "resume", "rel-1", "--ignore-failures")
    assert platform.yard.asked[-1] == ("resume", {"ignore_failures": True})


def test_one_is_watched_to_its_end(muster, platform, file):
    muster("releases", "create", file)
    muster("releases", "start", "rel-1")
    watched = muster("releases", "watch", "rel-1", "--json")
    assert watched.exit_code == 0
    assert watched.stderr.splitlines() == ["rel-1: running, 1/2", "rel-1: completed, 2/2"]
    assert json.loads(watched.stdout)["state"] == "completed"


def test_one_that_fails_is_exit_code_1_with_the_reason(muster, platform, file):
    platform.yard.ends = "failed"
    muster("releases", "create", file)
    muster("releases", "start", "rel-1")
    watched = muster("releases", "watch", "rel-1")
    assert watched.exit_code == 1
    assert "State: failed, 2 of 2 devices of wave-1 were not updated\n" in watched.stdout


def test_what_is_not_there_says_where_to_look(muster):
    for verb in ("show", "start", "watch"):
        result = muster("releases", verb, "none")
        assert (result.exit_code, result.stderr) == (
            1,
            "error: release not found (release_not_found); `muster releases list` shows those there are\n",
        )
