"""One device: it signs in with its token, announces itself, listens for commands, and publishes until it is stopped.

The names and shapes are the platform's public ones: `devices/<uid>/status`, `/state`, `/telemetry`, `/commands` and
`/replies`.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from uuid import uuid4

from muster_cli.connection import Endpoint
from muster_cli.mqtt.connection import MqttConnection, MqttError
from muster_cli.mqtt.packets import Will
from muster_cli.simulator.actions import DeviceActions
from muster_cli.simulator.line import Line
from muster_cli.simulator.pace import Nap, Pace, backoff
from muster_cli.simulator.population import SimulatedDevice
from muster_cli.simulator.samples import Samples
from muster_cli.simulator.tally import Tally
from muster_cli.simulator.updates import UPDATE_COMMANDS, DeviceUpdates, Reboot
from muster_cli.updater.commands import read_command

_STABLE_S = 10.0
"""A connection that lasted this long counts as good: the next loss starts with a short wait again."""


class DeviceProcess:
    """The software of one device. A sample that was not confirmed is sent again, unchanged, on the next connection."""

    __slots__ = (
        "_actions",
        "_back",
        "_boots",
        "_broker",
        "_connection",
        "_course",
        "_going_down",
        "_is_there",
        "_line",
        "_nap",
        "_next_at",
        "_offset",
        "_pace",
        "_samples",
        "_stopping",
        "_tally",
        "_token",
        "_uid",
        "_unconfirmed",
        "_updates",
        "_was_connected",
        "_was_cut",
    )

    def __init__(
        self,
        device: SimulatedDevice,
        token: str,
        *,
        broker: Endpoint,
        pace: Pace,
        tally: Tally,
        offset: float,
        updates: Callable[[Line, Reboot], DeviceUpdates] | None,
        actions: Callable[[Reboot], DeviceActions] | None,
    ) -> None:
        """Publishes as its course has it, the first time `offset` seconds after the start.

        Without `updates` and `actions` it listens for nothing.
        """
        self._uid = device.uid
        self._course = device.course
        self._token = token
        self._broker = broker
        self._pace = pace
        self._tally = tally
        self._offset = offset
        self._line = Line(device.course, on_cut=self._cut)
        self._updates = updates(self._line, self._reboot) if updates is not None else None
        self._actions = actions(self._reboot) if actions is not None else None
        self._samples = Samples(device)
        self._connection: MqttConnection | None = None
        self._was_cut = False
        """Whether it was the scenario that ended the last connection."""
        self._next_at = 0.0
        self._unconfirmed: bytes | None = None
        self._nap = Nap()
        self._stopping = False
        self._is_there = False
        self._was_connected = False
        self._back: asyncio.Future[None] | None = None
        """Asked to reboot, and not yet back on the platform."""
        self._going_down = False
        self._boots = 0

    def stop(self) -> None:
        """Ends `run` soon: the sample under way is confirmed, the device says that it is going, and disconnects."""
        self._stopping = True
        self._nap.wake()

    async def run(self, started: float) -> None:
        """Connects, and again after every loss, until stopped. `started` is when the fleet began, by the event loop."""
        self._next_at = started + self._offset
        self._line.start(started)
        try:
            await self._stay_connected()
        finally:
            for work in (self._updates, self._actions):
                if work is not None:
                    await work.close()
            self._line.close()

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._stopping:
            if (back_at := self._line.back_at) is not None:
                await self._nap.until(back_at)
                continue
            is_paced = not self._line.in_herd or failures > 0
            if is_paced:
                await self._nap.until(self._pace.turn(loop.time()))
            started = loop.time()
            try:
                if not self._stopping:
                    await self._session(self._pace.places if is_paced else nullcontext())
            except MqttError as error:
                if self._was_cut:
                    self._tally.cuts += 1
                    failures = 0
                else:
                    self._tally.troubles[str(error)] += 1
                    failures = 1 if loop.time() - started > _STABLE_S else failures + 1
                    if not self._stopping:
                        await self._nap.until(loop.time() + backoff(failures))
            if self._going_down:
                await self._power_cycle()
        if self._unconfirmed is not None and self._was_cut:
            await self._hand_in()

    async def _hand_in(self) -> None:
        """The scenario is over and took the network away in the middle of a sample: it is sent once more."""
        self._line.close()
        with suppress(MqttError):
            await self._session(self._pace.places)

    async def _session(self, place: AbstractAsyncContextManager[None]) -> None:
        """One connection, from sign-in to a clean end, the beginning in `place`.

        Raises MqttError when there is none or it is lost.
        """
        status = f"devices/{self._uid}/status"
        about: dict[str, object] = {"session": uuid4().hex}
        if self._updates is not None and (version := self._updates.firmware_version()) is not None:
            about["firmware_version"] = version
        gone = json.dumps({"online": False} | about).encode()
        connection = self._connection = MqttConnection(on_lost=self._nap.wake, on_message=self._heard)
        try:
            async with place:
                if self._stopping and self._unconfirmed is None:
                    return
                await self._arrive(connection, Will(status, gone))
                await connection.publish(status, json.dumps({"online": True} | about).encode())
                if self._updates is not None or self._actions is not None:
                    await connection.subscribe(f"devices/{self._uid}/commands")
            if self._updates is not None:
                # What was announced before the subscription is found by looking after it.
                self._updates.look()
            if self._actions is not None:
                await self._actions.connected(connection)
            self._came_back()
            await self._publish(connection)
            await connection.publish(status, gone)
        finally:
            if self._is_there:
                self._is_there = False
                self._tally.connected -= 1
                await connection.close()

    async def _arrive(self, connection: MqttConnection, will: Will) -> None:
        began = asyncio.get_running_loop().time()
        await connection.open(*self._broker, uid=self._uid, token=self._token, will=will)
        self._tally.sign_ins.add(asyncio.get_running_loop().time() - began)
        self._count_connection()
        self._was_cut = False
        if self._line.back_at is not None:
            self._cut()

    def _heard(self, _topic: str, payload: bytes) -> None:
        """A message on the device's commands. One that is unreadable or for what the device does not do is dropped."""
        command = read_command(payload)
        if command is None:
            return
        if command.type in UPDATE_COMMANDS:
            if self._updates is not None:
                self._updates.heard(command)
        elif self._actions is not None:
            self._actions.heard(command)

    async def _publish(self, connection: MqttConnection) -> None:
        """One sample at a time, each confirmed before the next; times that passed without a connection are skipped."""
        topic = f"devices/{self._uid}/telemetry"
        loop = asyncio.get_running_loop()
        while True:
            if self._unconfirmed is None:
                if not self._leaving:
                    await self._nap.until(self._next_at)
                if self._leaving or not connection.signed_in:
                    return
                self._unconfirmed = self._samples.take(self._line.elapsed)
                self._next_at = max(self._next_at + self._course.every(self._line.elapsed), loop.time())
                self._tally.sent += 1
            if delay := self._course.delay(self._samples.taken, self._line.elapsed):
                await self._nap.until(loop.time() + delay)
            began = loop.time()
            await connection.publish(topic, self._unconfirmed)
            self._tally.confirmations.add(loop.time() - began)
            self._unconfirmed = None
            self._tally.confirmed += 1

    @property
    def _leaving(self) -> bool:
        return self._stopping or self._going_down

    async def _reboot(self) -> None:
        """Says goodbye, is gone for a while, and returns when it has come back; once for all who ask meanwhile."""
        if self._back is None or self._back.done():
            self._back = asyncio.get_running_loop().create_future()
            self._going_down = True
            self._nap.wake()
        await asyncio.shield(self._back)

    async def _power_cycle(self) -> None:
        self._going_down = False
        self._samples.reboot()
        self._boots += 1
        boot_s = self._course.boot_s(self._boots, self._line.elapsed)
        await self._nap.until(asyncio.get_running_loop().time() + boot_s)

    def _cut(self) -> None:
        self._was_cut = True
        if self._connection is not None:
            self._connection.cut()
        self._nap.wake()

    def _came_back(self) -> None:
        if self._back is not None and not self._back.done() and not self._going_down:
            self._back.set_result(None)

    def _count_connection(self) -> None:
        self._is_there = True
        self._tally.connected += 1
        if self._was_connected:
            self._tally.reconnects += 1
        else:
            self._was_connected = True
            self._tally.ever_connected += 1
