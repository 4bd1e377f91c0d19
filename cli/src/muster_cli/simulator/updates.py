"""Updates of simulated devices: what the fleet shares, and what each device does with its commands."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from muster_cli.simulator.flash import Flash
from muster_cli.simulator.tally import Tally
from muster_cli.updater.client import Patience, UpdateClient
from muster_cli.updater.commands import Command, CommandInbox
from muster_cli.updater.errors import PlatformError
from muster_cli.updater.memory import Image, Memory
from muster_cli.updater.offers import Trust
from muster_cli.updater.turns import Turns
from muster_cli.updater.updater import Outcome, Updater

_AVAILABLE = "update_available"
UPDATE_COMMANDS = frozenset({_AVAILABLE, "update_cancelled"})

Reboot = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class UpdatingFleet:
    """`bytes_per_second` is each device's link (None: any speed), `write_s` the seconds that writing an image takes."""

    http: httpx.AsyncClient
    turns: Turns
    keys: Mapping[str, Ed25519PublicKey]
    flash: Flash
    tally: Tally
    bytes_per_second: float | None = None
    write_s: float = 1.0
    patience: Patience = field(default_factory=Patience)


class SimulatedMachine:
    """One device's flash and its power switch."""

    def __init__(self, fleet: UpdatingFleet, uid: str, registered_at: datetime, reboot: Reboot) -> None:
        self._fleet = fleet
        self._uid = uid
        self._registered_at = registered_at
        self._reboot = reboot
        self.memory = fleet.flash.read(uid, registered_at)

    def remember(self, memory: Memory) -> None:
        if memory != self.memory:
            self._fleet.flash.write(self._uid, self._registered_at, memory)
            self.memory = memory

    async def write(self, image: Image) -> None:
        await asyncio.sleep(self._fleet.write_s)

    async def reboot(self) -> None:
        await self._reboot()


class DeviceUpdates:
    """Looks for updates when it is told to. What that takes lives only as long as there is something to do."""

    __slots__ = (
        "_again",
        "_fleet",
        "_hardware_version",
        "_inbox",
        "_reboot",
        "_registered_at",
        "_task",
        "_token",
        "_uid",
        "_updater",
    )

    def __init__(
        self,
        fleet: UpdatingFleet,
        *,
        uid: str,
        hardware_version: str | None,
        token: str,
        registered_at: datetime,
        reboot: Reboot,
    ) -> None:
        """`reboot` ends and starts the device's software; it returns when the device is on the platform again."""
        self._fleet = fleet
        self._uid = uid
        self._hardware_version = hardware_version
        self._token = token
        self._registered_at = registered_at
        self._reboot = reboot
        self._inbox = CommandInbox()
        self._updater: Updater | None = None
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def firmware_version(self) -> str | None:
        """What runs, if it came as an update."""
        running = self._fleet.flash.read(self._uid, self._registered_at).running
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
            task.cancel()
            await asyncio.wait([task])
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
        fleet = self._fleet
        return Updater(
            UpdateClient(fleet.http, self._uid, self._token, fleet.turns, fleet.patience),
            Trust(self._uid, self._hardware_version, fleet.keys),
            SimulatedMachine(fleet, self._uid, self._registered_at, self._reboot),
            ended=self._ended,
            bytes_per_second=fleet.bytes_per_second,
        )

    def _ended(self, outcome: Outcome, code: str | None) -> None:
        self._fleet.tally.updates[outcome] += 1
        if code is not None:
            self._fleet.tally.update_failures[code] += 1
