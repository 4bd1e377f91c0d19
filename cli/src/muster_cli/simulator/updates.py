"""Updates of simulated devices: what the fleet shares, and what each device does with its commands."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from muster_cli.simulator.course import Course
from muster_cli.simulator.flash import Flash
from muster_cli.simulator.line import Line
from muster_cli.simulator.population import SimulatedDevice
from muster_cli.simulator.tally import Tally
from muster_cli.updater.client import Patience, UpdateClient
from muster_cli.updater.commands import Command, CommandInbox
from muster_cli.updater.errors import PlatformError, UpdateFailed
from muster_cli.updater.memory import Image, Memory
from muster_cli.updater.offers import Trust
from muster_cli.updater.turns import Turns
from muster_cli.updater.updater import Outcome, Updater
from shared.cancellation import end

_AVAILABLE = "update_available"
UPDATE_COMMANDS = frozenset({_AVAILABLE, "update_cancelled"})

Reboot = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class UpdatingFleet:
    """What the devices of one process have in common."""

    http: httpx.AsyncClient
    turns: Turns
    keys: Mapping[str, Ed25519PublicKey]
    flash: Flash
    tally: Tally
    patience: Patience = field(default_factory=Patience)


class SimulatedMachine:
    """One device's flash, which fails as its course has it, and its power switch."""

    def __init__(
        self, fleet: UpdatingFleet, uid: str, registered_at: datetime, *, course: Course, line: Line, reboot: Reboot
    ) -> None:
        self._fleet = fleet
        self._uid = uid
        self._registered_at = registered_at
        self._course = course
        self._line = line
        self._reboot = reboot
        self._writes = 0
        self.memory = fleet.flash.read(uid, registered_at)

    def remember(self, memory: Memory) -> None:
        if memory != self.memory:
            self._fleet.flash.write(self._uid, self._registered_at, memory)
            self.memory = memory

    async def write(self, image: Image) -> None:
        number, elapsed = self._writes, self._line.elapsed
        self._writes += 1
        await asyncio.sleep(self._course.write_s(number, elapsed))
        if self._course.write_fails(number, elapsed):
            raise UpdateFailed("flash_failed", "the image could not be written")

    async def reboot(self) -> None:
        await self._reboot()


class DeviceUpdates:
    """Looks for updates when it is told to. What that takes lives only as long as there is something to do."""

    __slots__ = (
        "_again",
        "_device",
        "_fleet",
        "_inbox",
        "_line",
        "_reboot",
        "_registered_at",
        "_task",
        "_token",
        "_updater",
    )

    def __init__(
        self,
        fleet: UpdatingFleet,
        device: SimulatedDevice,
        *,
        token: str,
        registered_at: datetime,
        line: Line,
        reboot: Reboot,
    ) -> None:
        """`reboot` ends and starts the device's software; it returns when the device is on the platform again."""
        self._fleet = fleet
        self._device = device
        self._token = token
        self._registered_at = registered_at
        self._line = line
        self._reboot = reboot
        self._inbox = CommandInbox()
        self._updater: Updater | None = None
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def firmware_version(self) -> str | None:
        """What runs, if it came as an update."""
        running = self._fleet.flash.read(self._device.uid, self._registered_at).running
        return running.version if running is not None else None

    def heard(self, command: Command) -> None:
        """One of `UPDATE_COMMANDS`. A repeated one changes nothing."""
        if not self._inbox.first_time(command):
            return
        if command.type == _AVAILABLE:
            self.look()
        elif self._updater is not None:
            self._updater.cancel(str(command.params.get("session_id")))

    def look(self) -> None:
        """Asks the platform what is offered, now or after the update under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        else:
            self._again = True

    async def close(self) -> None:
        """An update under way goes on in the next life."""
        task = self._task
        if task is not None:
            await end([task])
            if not task.cancelled():
                task.result()

    async def _work(self) -> None:
        self._updater = self._new_updater()
        while True:
            self._again = False
            try:
                await self._updater.run()
            except PlatformError as error:
                self._fleet.tally.troubles[f"update: {error}"] += 1
            if not self._again:
                break
        self._updater = self._task = None

    def _new_updater(self) -> Updater:
        fleet, device = self._fleet, self._device
        return Updater(
            UpdateClient(fleet.http, device.uid, self._token, fleet.turns, fleet.patience, self._line),
            Trust(device.uid, device.kind.hardware_version, fleet.keys),
            SimulatedMachine(
                fleet, device.uid, self._registered_at, course=device.course, line=self._line, reboot=self._reboot
            ),
            ended=self._ended,
        )

    def _ended(self, outcome: Outcome, code: str | None) -> None:
        self._fleet.tally.updates[outcome] += 1
        if code is not None:
            self._fleet.tally.update_failures[code] += 1
