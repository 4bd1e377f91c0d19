"""The demonstration: a simulated fleet that publishes, and a third of it updated while one looks.

All of it by the `muster` command, as a person would do it.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from muster_stack.layout import Layout
from muster_stack.processes import Processes, Spec, StartFailed
from muster_stack.programs import of_this_environment
from muster_stack.server import base_environment

SIMULATOR = "simulator"
FIRMWARE = "sensor-os"

_IMAGE_BYTES = 1024 * 1024
_LINK_KIB_PER_SECOND = 128
_MOST_UPDATED = 100
_STAGGER_S = 2.0
_ALL_STARTED_S = 30.0
_ENROL_S = 60.0
_ENROL_PER_DEVICE_S = 0.1
_POLL_S = 0.5

Say = Callable[[str], None]


class Demo:
    def __init__(self, layout: Layout, *, say: Say) -> None:
        self._layout = layout
        self._say = say
        self._environment = base_environment(layout.root)
        self._processes = Processes(layout.run, layout.logs)

    def begin(self, devices: int) -> bool:
        """Leaves so many devices running; False when they run already. Raises StartFailed."""
        options = ("--devices", str(devices), "--link-speed", str(_LINK_KIB_PER_SECOND))
        simulator = Spec(
            name=SIMULATOR,
            argv=self._command("simulate", *options),
            cwd=self._layout.root,
            env=self._environment,
        )
        if self._processes.is_current(simulator):
            return False
        self._processes.start(simulator)
        self._await_device(device(devices), _ENROL_S + _ENROL_PER_DEVICE_S * devices)
        return True

    def update(self, devices: int) -> None:
        """Uploads and approves a firmware made on the spot, and updates a third of the fleet, one after the other.

        Raises StartFailed.
        """
        chosen = [device(number) for number in range(1, devices + 1, 3)][:_MOST_UPDATED]
        firmware = f"{FIRMWARE}@{self._upload()}"
        self._run("firmware", "approve", firmware)
        every = min(_STAGGER_S, _ALL_STARTED_S / len(chosen))
        self._say(f"{firmware} is uploaded and approved; {len(chosen)} devices take it, one each {every:g} s")
        self._run("updates", "start", *chosen, "--firmware", firmware, "--every", str(every))

    def _upload(self) -> str:
        """A new version of random content; answers which."""
        known = json.loads(self._run("firmware", "list", "--json"))
        version = f"1.{sum(firmware['name'] == FIRMWARE for firmware in known)}.0"
        with tempfile.TemporaryDirectory() as directory:
            image = Path(directory) / f"{FIRMWARE}-{version}.bin"
            image.write_bytes(os.urandom(_IMAGE_BYTES))
            self._run("firmware", "upload", str(image), "--name", FIRMWARE, "--version", version)
        return version

    def _await_device(self, uid: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while self._call("devices", "show", uid).returncode:
            if self._processes.pid(SIMULATOR) is None or time.monotonic() > deadline:
                log = self._processes.log_of(SIMULATOR)
                raise StartFailed(f"the devices did not register; the end of {log}:\n{self._processes.tail(SIMULATOR)}")
            time.sleep(_POLL_S)

    def _run(self, *arguments: str) -> str:
        """What the command prints. Raises StartFailed with its error."""
        done = self._call(*arguments)
        if done.returncode:
            raise StartFailed(f"`muster {' '.join(arguments[:2])}` failed: {done.stderr.strip()}")
        return done.stdout

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self._command(*arguments)
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)

    def _command(self, *arguments: str) -> tuple[str, ...]:
        return (str(of_this_environment("muster")), *arguments, "--stack", str(self._layout.root))


def device(number: int) -> str:
    """The uid of a simulated device, counted from 1."""
    return f"sim-{number:04d}"
