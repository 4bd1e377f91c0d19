"""The telemetry of one device, as the platform reads it."""

import json
import time
from uuid import uuid4

from muster_cli.simulator.population import SimulatedDevice


class Samples:
    """Numbers samples from one within each boot; the metrics themselves go on where they were."""

    def __init__(self, device: SimulatedDevice, interval: float) -> None:
        """`interval` is the time between two samples, in seconds."""
        self._device = device
        self._interval = interval
        self._taken = 0
        self.reboot()

    def reboot(self) -> None:
        self._boot = uuid4().hex[:16]
        self._seq = 0

    def take(self) -> bytes:
        elapsed = self._taken * self._interval
        self._taken += 1
        self._seq += 1
        sample = {
            "ts": time.time_ns() // 1_000_000,
            "seq": self._seq,
            "boot": self._boot,
            "metrics": {name: shape.at(elapsed, self._device.random) for name, shape in self._device.metrics.items()},
        }
        return json.dumps(sample, separators=(",", ":")).encode()
