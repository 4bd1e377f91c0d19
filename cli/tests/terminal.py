"""A terminal with a person at it: a program runs in it, keys are pressed, and the screen can be read."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from select import select
from time import monotonic

import pyte

MUSTER = Path(sys.executable).with_name("muster")
CTRL_C = "\x03"
_PATIENCE_S = 60.0


class Terminal:
    """`columns` by `rows`; what has scrolled out at the top is in `history`."""

    def __init__(self, ours: int, process: subprocess.Popen[bytes], columns: int, rows: int) -> None:
        self._ours = ours
        self.process = process
        self._screen = pyte.HistoryScreen(columns, rows, history=1_000)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        """What is to be seen, without blank ends."""
        lines = [line.rstrip() for line in self._screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def shows_cursor(self) -> bool:
        return not self._screen.cursor.hidden

    def colours_of(self, text: str) -> set[str]:
        """Those in which a text on the screen is written."""
        row = next(number for number, line in enumerate(self._screen.display) if text in line)
        start = self._screen.display[row].index(text)
        return {self._screen.buffer[row][column].fg for column in range(start, start + len(text))}

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def until(self, seen: Callable[[list[str]], bool]) -> list[str]:
        """The screen as soon as it is as `seen` wants it. Raises AssertionError with what it was in the end."""
        deadline = monotonic() + _PATIENCE_S
        while not seen(self.lines):
            assert monotonic() < deadline, "\n".join(self.lines)
            assert self._read(), "\n".join(self.lines)
        return self.lines

    def ended(self) -> int:
        """The exit code, once the program has ended and all that it said is on the screen."""
        while self._read():
            pass
        return self.process.wait(_PATIENCE_S)

    def _read(self) -> bool:
        """Whether there may be more: Linux answers an error once nobody has the other end."""
        if not select([self._ours], [], [], 1.0)[0]:
            return True
        try:
            content = os.read(self._ours, 65_536)
        except OSError:
            return False
        self._stream.feed(content)
        return bool(content)


@contextmanager
def terminal(*arguments: str, environment: dict[str, str], columns: int = 80, rows: int = 24) -> Generator[Terminal]:
    """`muster` with these arguments, in a terminal of its own; ended with the block."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    # What a shell runs in its background ignores SIGINT, and so does all that it starts: these tests, and what they do.
    signals = ["env", "--default-signal=INT"]
    process = subprocess.Popen(
        [*signals, "setsid", "--ctty", MUSTER, *arguments],  # whose terminal it is, or Ctrl-C would be no signal
        env={**environment, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process, columns, rows)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
