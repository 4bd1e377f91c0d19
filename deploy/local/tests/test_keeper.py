"""Throw-away servers end with the process that asked for them, whichever way it ends."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.testing import eventually

_ASKING = """
import time
from muster_stack.throwaway import ThrowAway
servers = ThrowAway()
servers.wait("redis")
print(servers.directory, servers.processes.pid("redis"), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_nothing_is_left_of_a_test_run_that_was_killed(how: signal.Signals, runs: Callable[[int], bool]):
    asking = subprocess.Popen([sys.executable, "-c", _ASKING], stdout=subprocess.PIPE, text=True)
    assert asking.stdout is not None
    directory, pid = asking.stdout.readline().split()
    assert runs(int(pid))
    asking.send_signal(how)
    asking.wait()
    asyncio.run(eventually(lambda: not Path(directory).exists()))
    assert not runs(int(pid))
