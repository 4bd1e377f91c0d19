"""The telemetry of one device, as the platform reads it."""

import json
import time
from uuid import uuid4

from muster_cli.simulator.population import SimulatedDevice


class Samples:
    """Numbers samples from one within each boot; the metrics themselves go on where they were.

    The values of the n-th sample depend on the device and on n, not on when it is taken.
    """

    __slots__ = ("_boot", "_device", "_metrics_at", "_seq", "taken")

    def __init__(self, device: SimulatedDevice) -> None:
        self._device = device
        self._metrics_at = 0.0
        self.taken = 0
        self.reboot()

    def reboot(self) -> None:
        self._boot = uuid4().hex[:16]
        self._seq = 0

    def take(self, elapsed: float) -> bytes:
        """The next one, `elapsed` seconds after the fleet's start."""
        device, at = self._device, self._metrics_at
        self._metrics_at += device.course.every(elapsed)
        self.taken += 1
        self._seq += 1
        sample = {
            "ts": time.time_ns() // 1_000_000 + round(device.course.clock_error(elapsed) * 1_000.0),
            "seq": self._seq,
            "boot": self._boot,
            "metrics": {name: shape.at(at, device.chance) for name, shape in device.metrics.items()},
        }
        return json.dumps(sample, separators=(",", ":")).encode()
