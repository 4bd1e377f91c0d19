"""Installs missing programs on Debian and Ubuntu when it may; otherwise says what to type."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from muster_stack.layout import REPOSITORY
from muster_stack.programs import (
    CHROMIUM,
    SWUPDATE,
    TEST_CLIENTS,
    MissingPrograms,
    Program,
    missing,
    of_this_environment,
)

_SCRIPT = REPOSITORY / "deploy" / "install-packages.sh"


def install_missing(programs: tuple[Program, ...], say: Callable[[str], None]) -> None:
    """Returns when all programs are there. Raises MissingPrograms."""
    absent = missing(programs)
    if not absent:
        return
    packages = sorted({program.package for program in absent})
    command = _as_root()
    if shutil.which("apt-get") is None or command is None:
        raise MissingPrograms(absent)
    say(f"installing {', '.join(packages)}")
    subprocess.run([*command, "sh", str(_SCRIPT), *packages], stdin=subprocess.DEVNULL, check=False)
    if still := missing(programs):
        raise MissingPrograms(still)


def install_test_clients(say: Callable[[str], None]) -> None:
    """The clients of other makers that the tests use. Raises MissingPrograms.

    Ubuntu has Chromium only as a snap, which containers cannot install: there playwright fetches its own. Where there
    is no swupdate, its tests are skipped.
    """
    for program in TEST_CLIENTS:
        try:
            install_missing((program,), say)
        except MissingPrograms as error:
            if program == SWUPDATE:
                say(f"{error}\nthe tests with swupdate are skipped")
                continue
            if program != CHROMIUM:
                raise
            say("fetching playwright's own Chromium")
            subprocess.run([of_this_environment("playwright"), "install", "chromium"], check=False)
            if missing((CHROMIUM,)):
                raise


def _as_root() -> list[str] | None:
    """What to put before a command so that root runs it: nothing, or sudo; None when neither may be."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    if subprocess.run([sudo, "-n", "true"], check=False, capture_output=True).returncode == 0:
        return [sudo, "-n"]
    return [sudo] if sys.stdin.isatty() else None
