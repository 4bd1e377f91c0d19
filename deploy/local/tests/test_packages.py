"""What is missing is installed when that may be, else named with the command that installs it."""

import os
import subprocess
from contextlib import nullcontext
from pathlib import Path

import pytest

from muster_stack import packages, programs
from muster_stack.layout import REPOSITORY
from muster_stack.packages import install_missing
from muster_stack.programs import NGINX, MissingPrograms, Program

_ABSENT = Program("no-such-server", "no-such-package")


def test_nothing_is_installed_when_everything_is_there():
    said: list[str] = []
    install_missing((NGINX,), said.append)
    assert said == []


def test_a_missing_program_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packages, "_as_root", lambda: None)
    with pytest.raises(MissingPrograms) as refused:
        install_missing((NGINX, _ABSENT), print)
    assert "not installed: no-such-server" in str(refused.value)
    assert "sudo apt-get install --no-install-recommends -y no-such-package" in str(refused.value)


@pytest.mark.parametrize("fetched", [True, False])
def test_where_chromium_is_no_package_playwright_fetches_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fetched: bool
):
    chromium = Program("chromium-of-nobody", "chromium-of-nobody", (f"{tmp_path}/chrome",))
    playwright = tmp_path / "playwright"
    playwright.write_text(f"#!/bin/sh\n{'touch' if fetched else 'true'} {tmp_path}/chrome\n")
    playwright.chmod(0o755)
    monkeypatch.setattr(packages, "_as_root", lambda: None)
    monkeypatch.setattr(packages, "CHROMIUM", chromium)
    monkeypatch.setattr(packages, "TEST_CLIENTS", (chromium,))
    monkeypatch.setattr(packages, "of_this_environment", lambda _name: playwright)
    with nullcontext() if fetched else pytest.raises(MissingPrograms):
        packages.install_test_clients(print)


def test_the_newest_installed_version_is_used(tmp_path: Path):
    for version in ("9", "15", "16"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "postgres").touch()
    program = Program("postgres", "postgresql", (f"{tmp_path}/*/bin/postgres",))
    assert programs.locate(program) == tmp_path / "16" / "bin" / "postgres"


@pytest.mark.parametrize("before", [None, "#!/bin/sh\nexit 0\n"])
@pytest.mark.parametrize("outcome", [0, 100])
def test_services_may_not_start_while_packages_are_installed_and_only_then(
    tmp_path: Path, before: str | None, outcome: int
):
    policy = tmp_path / "policy-rc.d"
    if before is not None:
        policy.write_text(before)
    (tmp_path / "bin").mkdir()
    apt = tmp_path / "bin" / "apt-get"
    apt.write_text(f'#!/bin/sh\n"{policy}"; echo "$? $*" >>"{tmp_path}/calls"; exit {outcome}\n')
    apt.chmod(0o755)
    finished = subprocess.run(
        ["sh", REPOSITORY / "deploy" / "install-packages.sh", "no-such-package"],
        env={"PATH": f"{apt.parent}:{os.environ['PATH']}", "POLICY_RC_D": str(policy)},
        check=False,
    )
    calls = (tmp_path / "calls").read_text().splitlines()
    assert all(call.startswith("101 ") for call in calls)
    assert finished.returncode == outcome
    assert (policy.read_text() if policy.exists() else None) == before
