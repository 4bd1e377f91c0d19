"""Detached processes that outlive the command that started them, found again by pid and start time.

A process of ours leads a session of its own, so what it leaves behind when it is killed (nginx's workers, say) is found
by the session. Never touches a process that it did not start.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

import psutil

_POLL_SECONDS = 0.05
_KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Spec:
    """What to run. `env` is the whole environment. `revision` changes when the program itself has changed."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    revision: str = ""

    def fingerprint(self) -> str:
        """The same for two specs that would run the same program in the same way."""
        document = json.dumps([self.argv, str(self.cwd), sorted(self.env.items()), self.revision])
        return sha256(document.encode()).hexdigest()


@dataclass(frozen=True)
class Record:
    """A process that was started, `started` clock ticks after the boot of this id: together these are unique."""

    pid: int
    started: int
    boot: str
    fingerprint: str
    stop_signal: int
    stop_seconds: float


class StartFailed(RuntimeError):
    """A process ended, or was not ready in time. The message ends with the last lines of its log."""


class Processes:
    """The processes of one stack: a record for each under `run`, a log for each under `logs`."""

    def __init__(self, run: Path, logs: Path) -> None:
        self._run = run
        self._logs = logs
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def log_of(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def known(self) -> list[str]:
        """The names of all that were started and not stopped, alive or not."""
        return sorted(path.stem for path in self._run.glob("*.json"))

    def pid(self, name: str) -> int | None:
        """The pid of the living process of this name."""
        record = self._record(name)
        return record.pid if record is not None and self._alive(record) else None

    def is_current(self, spec: Spec) -> bool:
        """Whether it runs, and runs as `spec` says."""
        record = self._record(spec.name)
        return record is not None and self._alive(record) and record.fingerprint == spec.fingerprint()

    def start(self, spec: Spec) -> int:
        """Starts it anew, after stopping what is left of an earlier one. Answers the pid."""
        self.stop([spec.name, _successor(spec.name)])
        return self._start(spec, spec.name)

    def relieve(self, spec: Spec, serves: Callable[[int], bool], *, timeout: float) -> int:
        """Starts it beside the one of its name that runs, which ends when `serves` says so of the new pid.

        Answers the pid. Raises StartFailed when the new one ends first or `timeout` seconds pass; the old one goes on.
        """
        successor = _successor(spec.name)
        self.stop([successor])
        pid = self._start(spec, successor)
        try:
            self.wait_ready(successor, lambda: serves(pid), timeout=timeout, log_of=spec.name)
        except StartFailed:
            self.stop([successor])
            raise
        self.stop([spec.name])
        (self._run / f"{successor}.json").replace(self._run / f"{spec.name}.json")
        return pid

    def _start(self, spec: Spec, name: str) -> int:
        """Starts it under that name, with the log of its own."""
        self._run.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log_of(spec.name).open("ab") as log:
            child = subprocess.Popen(
                spec.argv,
                cwd=spec.cwd,
                env=dict(spec.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[child.pid] = child
        record = Record(
            pid=child.pid,
            started=_start_ticks(child.pid) or 0,
            boot=_boot_id(),
            fingerprint=spec.fingerprint(),
            stop_signal=spec.stop_signal,
            stop_seconds=spec.stop_seconds,
        )
        path = self._run / f"{name}.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(record)))
        partial.replace(path)
        return child.pid

    def wait_ready(self, name: str, ready: Callable[[], bool], *, timeout: float, log_of: str | None = None) -> None:
        """Returns when `ready` says so. Raises StartFailed when the process ends first or `timeout` seconds pass."""
        deadline = time.monotonic() + timeout
        told = log_of or name
        while not ready():
            wrong = "ended while starting" if self.pid(name) is None else None
            if wrong is None and time.monotonic() > deadline:
                wrong = f"was not ready after {timeout:.0f} s"
            if wrong is not None:
                raise StartFailed(f"{told} {wrong}; the end of {self.log_of(told)}:\n{self.tail(told)}")
            time.sleep(_POLL_SECONDS)

    def tail(self, name: str, lines: int = 20) -> str:
        try:
            return "\n".join(self.log_of(name).read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(no log)"

    def kill(self, name: str) -> None:
        """SIGKILL to the process alone, as a crash would do; its record stays."""
        pid = self.pid(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            _await(lambda: self.pid(name) is None, _KILL_SECONDS)

    def stop(self, names: Iterable[str]) -> list[str]:
        """Ends them together: the stop signal, a bounded wait, then SIGKILL to all that is left. Answers who ran."""
        records = {name: record for name in names if (record := self._record(name)) is not None}
        ran = [name for name, record in records.items() if self._alive(record)]
        family = {pid for record in records.values() for pid in self._family(record)}
        for name in ran:
            with contextlib.suppress(ProcessLookupError):
                os.kill(records[name].pid, records[name].stop_signal)
        patience = max((records[name].stop_seconds for name in ran), default=0.0)
        _await(lambda: not any(self._alive(records[name]) for name in ran), patience)
        for record in records.values():
            family |= self._family(record)
        _end({pid: ticks for pid, ticks in family if _start_ticks(pid) == ticks})
        for name in records:
            (self._run / f"{name}.json").unlink(missing_ok=True)
        return ran

    def _record(self, name: str) -> Record | None:
        try:
            return Record(**json.loads((self._run / f"{name}.json").read_text()))
        except FileNotFoundError:
            return None

    def _alive(self, record: Record) -> bool:
        child = self._children.get(record.pid)
        if child is not None:
            child.poll()
        return record.boot == _boot_id() and _start_ticks(record.pid) == record.started

    def _family(self, record: Record) -> set[tuple[int, int]]:
        """(pid, start) of the process, its descendants, and whoever is left in its session."""
        members: set[int] = set()
        if self._alive(record):
            members.add(record.pid)
            with contextlib.suppress(psutil.Error):
                members |= {child.pid for child in psutil.Process(record.pid).children(recursive=True)}
        elif record.boot != _boot_id() or _start_ticks(record.pid) is not None:
            return set()  # the pid may be a stranger's by now, and the session of that number as well
        for pid in psutil.pids():
            with contextlib.suppress(OSError):
                if os.getsid(pid) == record.pid:
                    members.add(pid)
        return {(pid, ticks) for pid in members if (ticks := _start_ticks(pid)) is not None and ticks >= record.started}


def _successor(name: str) -> str:
    """The name of the process that is about to relieve the one of this name."""
    return f"{name}.successor"


def _start_ticks(pid: int) -> int | None:
    """When the process started (`starttime` of proc_pid_stat(5)); none when there is no such process, or a zombie.

    Ticks since boot, as a wall clock that is set between two commands would make a process look like another.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else int(rest[18])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _await(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _end(processes: dict[int, int]) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _await(lambda: all(_start_ticks(pid) != ticks for pid, ticks in processes.items()), _KILL_SECONDS)
