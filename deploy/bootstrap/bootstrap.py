"""Makes .venv as requirements.lock says, with nothing but Python's standard library to begin with.

Does nothing when nothing has changed. Installs Python's venv module from the system's packages when it is missing and
this may be done; otherwise says what to type.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
VENV = REPOSITORY / ".venv"
TOOLS = REPOSITORY / ".tools" / "uv"
STAMP = VENV / "muster-bootstrap"
LOCK = REPOSITORY / "requirements.lock"
WORKSPACE = REPOSITORY / "deploy" / "bootstrap" / "workspace.txt"
UV_PIN = REPOSITORY / "deploy" / "bootstrap" / "uv.txt"
OLDEST = (3, 11)


def main() -> None:
    if sys.version_info < OLDEST:
        fail("Muster needs Python 3.11 or later.", "apt-get install python3  (Debian 12, Ubuntu 24.04 or later)")
    TOOLS.parent.mkdir(exist_ok=True)
    with (TOOLS.parent / "bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if STAMP.exists() and STAMP.read_text() == fingerprint():
            return
        uv = find_uv()
        if not (VENV / "bin" / "python").exists():
            say("making .venv")
            run(uv, "venv", "--quiet", "--python", sys.executable, VENV)
        say("installing what requirements.lock names")
        run(uv, "pip", "sync", "--python", VENV / "bin" / "python", LOCK, WORKSPACE)
        STAMP.write_text(fingerprint())


def fingerprint() -> str:
    """Changes with the lock, with what the workspace's packages declare, and with the interpreter."""
    digest = hashlib.sha256(sys.version.encode())
    members = [line.removeprefix("-e ") for line in WORKSPACE.read_text().split("\n") if line]
    for path in (LOCK, WORKSPACE, *(REPOSITORY / member / "pyproject.toml" for member in members)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def find_uv() -> Path:
    """The pinned uv in an environment of its own, made when it is not there."""
    uv = TOOLS / "bin" / "uv"
    pin = TOOLS / "pin"
    if uv.exists() and pin.exists() and pin.read_bytes() == UV_PIN.read_bytes():
        return uv
    if importlib.util.find_spec("ensurepip") is None:
        install("python3-venv")
    say("installing uv")
    shutil.rmtree(TOOLS, ignore_errors=True)
    run(sys.executable, "-m", "venv", TOOLS)
    run(TOOLS / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", UV_PIN)
    shutil.copyfile(UV_PIN, pin)
    return uv


def install(package: str) -> None:
    """A Debian or Ubuntu package, as root or by sudo, which may ask for a password where there is a terminal."""
    sudo = ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
    command = [] if os.geteuid() == 0 else sudo
    if shutil.which("apt-get") is None or (command and shutil.which("sudo") is None):
        fail(f"{package} is not installed.", f"apt-get install {package}")
    say(f"installing {package}")
    script = REPOSITORY / "deploy" / "install-packages.sh"
    if subprocess.run([*command, "sh", script, package], stdin=subprocess.DEVNULL, check=False).returncode != 0:
        fail(f"{package} could not be installed.", f"apt-get install {package}")
    importlib.invalidate_caches()


def run(*command: object) -> None:
    finished = subprocess.run([str(part) for part in command], cwd=REPOSITORY, stdin=subprocess.DEVNULL, check=False)
    if finished.returncode != 0:
        fail(f"this failed: {' '.join(map(str, command))}")


def say(line: str) -> None:
    print(line, flush=True)


def fail(message: str, remedy: str = "") -> None:
    sys.exit(f"{message}\n  install with:  sudo {remedy}" if remedy else message)


if __name__ == "__main__":
    main()
