"""A second process of a service beside the stack's own: the same program and settings, other metrics."""

import os
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.platform import Platform
from muster_stack.ports import LOOPBACK, any_free

_END_S = 15


@dataclass(frozen=True)
class Worker:
    """A process, and the port of its metrics."""

    pid: int
    port: int

    @property
    def metrics(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/metrics"

    @property
    def ready(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/readyz"


@contextmanager
def frozen(workers: Sequence[Worker]) -> Generator[None]:
    """They stand still while the block runs, and all go on at its end."""
    for worker in workers:
        os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            os.kill(worker.pid, signal.SIGCONT)


@dataclass(frozen=True)
class Twin:
    argv: Sequence[str]
    directory: Path
    environment: Mapping[str, str]

    @classmethod
    def of(cls, platform: Platform, name: str) -> "Twin":
        """As the stack's own process of this name runs now."""
        process = Path(f"/proc/{platform.pid(name)}")
        entries = (process / "environ").read_text().split("\0")
        return cls(
            argv=(process / "cmdline").read_text().rstrip("\0").split("\0"),
            directory=(process / "cwd").resolve(),
            environment=dict(entry.split("=", 1) for entry in entries if entry),
        )

    @contextmanager
    def started(self) -> Generator[Worker]:
        port = any_free()
        process = subprocess.Popen(
            self.argv,
            cwd=self.directory,
            env={**self.environment, "MUSTER_METRICS_PORT": str(port)},
            stdin=subprocess.DEVNULL,
        )
        try:
            yield Worker(process.pid, port)
        finally:
            process.terminate()
            process.wait(_END_S)
