"""Detached processes: found again, ended with all they left, and never mistaken for a stranger's."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from muster_stack.processes import Processes, Spec, StartFailed
from shared.testing import eventually

_SLEEP = "import time; time.sleep(600)"
_DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
_PARENT = (
    f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {_SLEEP!r}]).pid, flush=True); {_SLEEP}"
)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path / "run", tmp_path / "logs")
    yield processes
    for name in processes.known():
        processes.kill(name)
    processes.stop(processes.known())


def _spec(name: str, code: str, *, stop_seconds: float = 5.0, revision: str = "") -> Spec:
    argv = (sys.executable, "-c", code)
    return Spec(name, argv, cwd=Path("/"), env={"PATH": ""}, stop_seconds=stop_seconds, revision=revision)


def test_a_later_command_finds_the_process_that_an_earlier_one_started(processes: Processes, tmp_path: Path):
    pid = processes.start(_spec("sleeper", _SLEEP))
    later = Processes(tmp_path / "run", tmp_path / "logs")
    assert later.known() == ["sleeper"]
    assert later.pid("sleeper") == pid
    assert later.is_current(_spec("sleeper", _SLEEP))


def test_a_process_is_outdated_when_its_program_has_changed(processes: Processes):
    processes.start(_spec("sleeper", _SLEEP, revision="1"))
    assert not processes.is_current(_spec("sleeper", _SLEEP, revision="2"))


def test_a_killed_process_does_not_run(processes: Processes):
    processes.start(_spec("sleeper", _SLEEP))
    processes.kill("sleeper")
    assert processes.pid("sleeper") is None
    assert processes.known() == ["sleeper"]


async def test_what_a_killed_process_left_behind_ends_with_it(processes: Processes, runs: Callable[[int], bool]):
    processes.start(_spec("parent", _PARENT))
    child = int(await eventually(lambda: processes.tail("parent")))
    processes.kill("parent")
    assert psutil.pid_exists(child)
    processes.stop(["parent"])
    assert not runs(child)


async def test_a_process_that_ignores_the_signal_is_killed_after_its_time(
    processes: Processes, runs: Callable[[int], bool]
):
    pid = processes.start(_spec("deaf", _DEAF, stop_seconds=0.2))
    await eventually(lambda: processes.tail("deaf") == "deaf")
    assert processes.stop(["deaf"]) == ["deaf"]
    assert not runs(pid)


def test_a_stranger_who_got_the_pid_is_left_alone(processes: Processes, tmp_path: Path):
    processes.start(_spec("ours", _SLEEP))
    stranger = subprocess.Popen([sys.executable, "-c", _SLEEP], start_new_session=True)
    try:
        record = tmp_path / "run" / "ours.json"
        content = json.loads(record.read_text())
        os.kill(content["pid"], signal.SIGKILL)
        record.write_text(json.dumps(content | {"pid": stranger.pid, "started": content["started"] - 1}))
        assert processes.pid("ours") is None
        assert processes.stop(["ours"]) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_records_of_an_earlier_boot_name_nobody(processes: Processes, tmp_path: Path, runs: Callable[[int], bool]):
    pid = processes.start(_spec("ours", _SLEEP))
    record = tmp_path / "run" / "ours.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps(content | {"boot": "another"}))
    assert processes.pid("ours") is None
    processes.stop(["ours"])
    assert runs(pid)
    record.write_text(json.dumps(content))


def test_a_process_that_ends_while_starting_fails_with_the_end_of_its_log(processes: Processes):
    processes.start(_spec("broken", "import sys; sys.exit('the port is taken')"))
    with pytest.raises(StartFailed, match="the port is taken"):
        processes.wait_ready("broken", lambda: False, timeout=60)


def test_a_process_that_never_serves_fails_in_time(processes: Processes):
    processes.start(_spec("mute", _SLEEP))
    with pytest.raises(StartFailed, match="not ready after 0 s"):
        processes.wait_ready("mute", lambda: False, timeout=0.1)


async def test_a_successor_relieves_the_one_that_runs_once_it_serves(
    processes: Processes, runs: Callable[[int], bool], tmp_path: Path
):
    first = processes.start(_spec("sleeper", _SLEEP, revision="1"))
    asked: list[tuple[bool, bool]] = []

    def serves(pid: int) -> bool:
        asked.append((runs(first), runs(pid)))
        return len(asked) > 2

    second = processes.relieve(_spec("sleeper", _SLEEP, revision="2"), serves, timeout=60)
    assert asked == [(True, True)] * 3
    assert not runs(first)
    later = Processes(tmp_path / "run", tmp_path / "logs")
    assert (later.known(), later.pid("sleeper")) == (["sleeper"], second)
    assert later.is_current(_spec("sleeper", _SLEEP, revision="2"))


def test_who_cannot_be_relieved_goes_on(processes: Processes, runs: Callable[[int], bool]):
    first = processes.start(_spec("sleeper", _SLEEP))
    with pytest.raises(StartFailed, match=r"sleeper ended while starting; .*\n(.*\n)*unheard of"):
        processes.relieve(_spec("sleeper", "raise SystemExit('unheard of')"), lambda _pid: False, timeout=60)
    assert runs(first)
    assert (processes.known(), processes.pid("sleeper")) == (["sleeper"], first)


def test_what_is_left_of_a_successor_ends_with_the_next_start(processes: Processes, runs: Callable[[int], bool]):
    left = processes.start(_spec("sleeper.successor", _SLEEP))
    processes.start(_spec("sleeper", _SLEEP))
    assert not runs(left)
