"""A process that ends throw-away servers and removes their directory when whoever asked for them is gone.

It holds the other end of a pipe: when the asking process ends in whatever way, the pipe closes. So a test run that is
killed leaves nothing behind.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from muster_stack.layout import Layout
from muster_stack.processes import Processes

_END_SECONDS = 60.0


class Keeper:
    """A fresh directory that lives as long as this process, or until `close`."""

    def __init__(self, prefix: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        self.directory.chmod(0o755)  # PostgreSQL runs as a user of its own and must reach its data
        self._process = subprocess.Popen(
            [sys.executable, "-m", "muster_stack.keeper", str(self.directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def close(self) -> None:
        """Returns when everything has ended and the directory is gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=_END_SECONDS)


def keep(directory: Path, until: Callable[[], object]) -> None:
    """Ends everything under `directory`, at once and not in good order, and removes it when `until` has returned."""
    until()
    layout = Layout(directory)
    processes = Processes(layout.run, layout.logs)
    names = processes.known()
    for name in names:
        processes.kill(name)
    processes.stop(names)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), until=sys.stdin.buffer.read)
