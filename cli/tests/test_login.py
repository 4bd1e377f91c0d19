"""Logging in once: a key of this machine's own, kept where nobody else reads it."""

import json
import stat
from pathlib import Path

import pytest


@pytest.fixture
def profiles(tmp_path):
    return tmp_path / "config" / "muster" / "profiles.json"


@pytest.fixture
def logged_in(muster, monkeypatch):
    assert muster("login").exit_code == 0
    for name in ("MUSTER_SERVER", "MUSTER_ADMIN_EMAIL", "MUSTER_ADMIN_PASSWORD"):
        monkeypatch.delenv(name)


def test_later_commands_need_neither_server_nor_password(muster, platform, logged_in):
    platform.calls.clear()
    assert muster("devices", "list").exit_code == 0
    assert platform.calls == ["GET devices"]


def test_the_profile_holds_a_key_and_no_password_and_is_private(profiles, logged_in):
    assert stat.S_IMODE(profiles.stat().st_mode) == 0o600
    [profile] = json.loads(profiles.read_text())["profiles"].values()
    assert profile["token"] == "key-1"
    assert "correct horse" not in profiles.read_text()


def test_the_key_goes_to_its_own_platform_alone(muster, logged_in):
    result = muster("devices", "list", "--server", "http://127.0.0.1:9")
    assert result.exit_code == 2
    assert "no e-mail address to sign in to http://127.0.0.1:9; `muster login` first" in result.stderr


def test_logging_in_again_revokes_the_key_before(muster, platform):
    muster("login")
    muster("login")
    assert {token for token in platform.access_tokens if token.startswith("key-")} == {"key-2"}


def test_logging_out_revokes_the_key_and_forgets_it(muster, platform, logged_in, profiles):
    assert muster("logout").exit_code == 0
    assert not [token for token in platform.access_tokens if token.startswith("key-")]
    assert json.loads(profiles.read_text()) == {"profiles": {}}
    again = muster("logout")
    assert (again.exit_code, again.stderr) == (2, 'error: there is no profile "default"; `muster login` makes one\n')


def move_away(profiles: Path) -> str:
    """Where the profile's platform is, nothing answers any more; what the file holds then."""
    content = json.loads(profiles.read_text())
    content["profiles"]["default"]["server"] = "http://127.0.0.1:9"
    profiles.write_text(json.dumps(content))
    return profiles.read_text()


def test_a_profile_whose_platform_is_gone_is_forgotten_when_that_is_asked(muster, profiles):
    muster("login")
    content = move_away(profiles)
    kept = muster("logout")
    assert kept.exit_code == 3
    assert kept.stderr.endswith("try again, or forget the profile alone with `--forget`\n")
    assert profiles.read_text() == content
    forgotten = muster("logout", "--forget")
    assert forgotten.exit_code == 0
    assert "the key stays good until it expires, for nothing answers at http://127.0.0.1:9" in forgotten.stderr
    assert json.loads(profiles.read_text()) == {"profiles": {}}


def test_profiles_are_told_apart_by_name(muster, platform, monkeypatch):
    muster("login", "--as", "works")
    monkeypatch.setenv("MUSTER_SERVER", "http://127.0.0.1:9")
    monkeypatch.delenv("MUSTER_ADMIN_EMAIL")
    assert muster("--profile", "works", "devices", "list").exit_code == 0
    assert muster("devices", "list", "--profile", "works").exit_code == 0
    wrong = muster("devices", "list", "--profile", "home")
    assert wrong.exit_code == 2
    assert 'there is no profile "home"; there are: works' in wrong.stderr


def test_a_file_that_cannot_be_read_is_named(muster, profiles, logged_in):
    profiles.write_text("{")
    result = muster("devices", "list")
    assert result.exit_code == 2
    assert f"{profiles} cannot be read" in result.stderr


def test_a_key_in_the_environment_needs_no_login(muster, platform, monkeypatch):
    monkeypatch.delenv("MUSTER_ADMIN_EMAIL")
    monkeypatch.delenv("MUSTER_ADMIN_PASSWORD")
    platform.access_tokens.add("of-a-program")
    monkeypatch.setenv("MUSTER_TOKEN", "of-a-program")
    assert muster("devices", "list").exit_code == 0
    assert platform.calls == ["GET devices"]


def test_logging_in_elsewhere_needs_no_answer_of_the_platform_before(muster, profiles):
    muster("login")
    move_away(profiles)
    result = muster("login")
    assert result.exit_code == 0
    assert "the key before stays good until it expires, for nothing answers at http://127.0.0.1:9" in result.stderr
    assert json.loads(profiles.read_text())["profiles"]["default"]["token"] == "key-2"
