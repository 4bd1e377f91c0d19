"""One device: it signs in with its token, announces itself, and publishes until it is stopped.

The names and shapes are the platform's public ones: `devices/<uid>/status` and `devices/<uid>/telemetry`.
"""

import asyncio
import json
import time
from uuid import uuid4

from muster_cli.connection import Endpoint
from muster_cli.mqtt.connection import MqttConnection, MqttError
from muster_cli.mqtt.packets import Will
from muster_cli.simulator.pace import Nap, Pace, backoff
from muster_cli.simulator.population import SimulatedDevice
from muster_cli.simulator.tally import Tally

_STABLE_S = 10.0
"""A connection that lasted this long counts as good: the next loss starts with a short wait again."""


class DeviceProcess:
    """The software of one device. A sample that was not confirmed is sent again, unchanged, on the next connection."""

    def __init__(
        self,
        device: SimulatedDevice,
        token: str,
        *,
        broker: Endpoint,
        pace: Pace,
        tally: Tally,
        interval: float,
        offset: float,
    ) -> None:
        """Publishes every `interval` seconds, the first time `offset` seconds after the start."""
        self._device = device
        self._token = token
        self._broker = broker
        self._pace = pace
        self._tally = tally
        self._interval = interval
        self._offset = offset
        self._boot = uuid4().hex[:16]
        self._seq = 0
        self._next_at = 0.0
        self._unconfirmed: bytes | None = None
        self._nap = Nap()
        self._stopping = False
        self._was_connected = False

    def stop(self) -> None:
        """Ends `run` soon: the sample under way is confirmed, the device says that it is going, and disconnects."""
        self._stopping = True
        self._nap.wake()

    async def run(self) -> None:
        """Connects, and again after every loss, until stopped."""
        loop = asyncio.get_running_loop()
        self._next_at = loop.time() + self._offset
        failures = 0
        while not self._stopping:
            await self._nap.until(self._pace.turn(loop.time()))
            started = loop.time()
            try:
                if not self._stopping:
                    await self._session()
            except MqttError as error:
                self._tally.troubles[str(error)] += 1
                failures = 1 if loop.time() - started > _STABLE_S else failures + 1
                if not self._stopping:
                    await self._nap.until(loop.time() + backoff(failures))

    async def _session(self) -> None:
        """One connection, from sign-in to a clean end. Raises MqttError when there is none or it is lost."""
        status = f"devices/{self._device.uid}/status"
        session = uuid4().hex
        gone = json.dumps({"online": False, "session": session}).encode()
        connection = MqttConnection(on_lost=self._nap.wake)
        await connection.open(*self._broker, uid=self._device.uid, token=self._token, will=Will(status, gone))
        self._count_connection()
        try:
            await connection.publish(status, json.dumps({"online": True, "session": session}).encode())
            await self._publish(connection)
            await connection.publish(status, gone)
        finally:
            self._tally.connected -= 1
            await connection.close()

    async def _publish(self, connection: MqttConnection) -> None:
        """One sample at a time, each confirmed before the next; times that passed without a connection are skipped."""
        topic = f"devices/{self._device.uid}/telemetry"
        while True:
            if self._unconfirmed is None:
                await self._nap.until(self._next_at)
                if self._stopping or not connection.signed_in:
                    return
                self._unconfirmed = self._sample()
                self._tally.sent += 1
            await connection.publish(topic, self._unconfirmed)
            self._unconfirmed = None
            self._tally.confirmed += 1

    def _sample(self) -> bytes:
        now = asyncio.get_running_loop().time()
        self._next_at = max(self._next_at + self._interval, now)
        elapsed = self._seq * self._interval
        self._seq += 1
        sample = {
            "ts": time.time_ns() // 1_000_000,
            "seq": self._seq,
            "boot": self._boot,
            "metrics": {name: shape.at(elapsed, self._device.random) for name, shape in self._device.metrics.items()},
        }
        return json.dumps(sample, separators=(",", ":")).encode()

    def _count_connection(self) -> None:
        self._tally.connected += 1
        if self._was_connected:
            self._tally.reconnects += 1
        else:
            self._was_connected = True
            self._tally.ever_connected += 1
