"""Actions of simulated devices: one after the other, each done once and answered on `devices/<uid>/replies`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from muster_cli.mqtt.connection import MqttConnection, MqttError
from muster_cli.simulator.flash import Flash
from muster_cli.simulator.tally import Tally
from muster_cli.updater.commands import Command
from shared.cancellation import end

_CONFIGURATION_CHANGE = "configuration_change"
_SYSTEM_REBOOT = "system_reboot"
_CANCEL = "cancel"
_REMEMBERED = 16
_STEPS = (25, 50, 75)
_object = TypeAdapter(dict[str, Any])


@dataclass(frozen=True)
class ActingFleet:
    """`step_s` is how long a quarter of an action takes, in seconds."""

    flash: Flash
    tally: Tally
    step_s: float = 0.25


class DeviceActions:
    """Works in a task that lives only as long as there is something to do and a connection to answer on.

    What a lost connection interrupts is taken up on the next one. Configuration outlives this process, answers do not.
    """

    __slots__ = (
        "_answers",
        "_cancelled",
        "_configuration",
        "_connection",
        "_fleet",
        "_reboot",
        "_registered_at",
        "_task",
        "_uid",
        "_waiting",
    )

    def __init__(
        self, fleet: ActingFleet, *, uid: str, registered_at: datetime, reboot: Callable[[], Awaitable[None]]
    ) -> None:
        """`reboot` ends and starts the device's software; it returns when the device is on the platform again."""
        self._fleet = fleet
        self._uid = uid
        self._registered_at = registered_at
        self._reboot = reboot
        self._configuration = fleet.flash.configuration(uid, registered_at)
        self._connection: MqttConnection | None = None
        self._waiting: list[Command] = []
        self._answers: dict[str, bytes] = {}
        """The last answer to each of the last few commands that have ended."""
        self._cancelled: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def connected(self, connection: MqttConnection) -> None:
        """Reports the configuration and goes on with what waits. Raises ConnectionLost."""
        self._connection = connection
        await self._report()
        self._go_on()

    def heard(self, command: Command) -> None:
        """Any command but those of updates."""
        if command.type == _CANCEL:
            self._cancel(str(command.params.get("id")))
        else:
            self._waiting.append(command)
            self._go_on()

    async def close(self) -> None:
        """What has not ended never will: these answers are not kept."""
        if self._task is not None:
            await end([self._task])
            if not self._task.cancelled():
                self._task.result()

    def _cancel(self, command_id: str) -> None:
        if any(command.id == command_id for command in self._waiting):
            self._cancelled.add(command_id)

    def _go_on(self) -> None:
        if self._waiting and self._connection is not None and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while self._waiting:
            connection = self._connection
            try:
                await self._take(self._waiting[0])
            except MqttError:
                if self._connection is connection:
                    return
            else:
                self._cancelled.discard(self._waiting.pop(0).id)

    async def _take(self, command: Command) -> None:
        if command.id in self._answers:
            await self._say("replies", self._answers[command.id])
        elif command.deadline is None or datetime.now(UTC) < command.deadline:
            await self._carry_out(command)

    async def _carry_out(self, command: Command) -> None:
        await self._say("replies", _answer(command, "running", progress=0))
        if command.id in self._cancelled:
            await self._end(command, "failed", error="cancelled")
        elif command.type == _CONFIGURATION_CHANGE:
            await self._configure(command)
        elif command.type == _SYSTEM_REBOOT:
            await self._reboot()
            await self._end(command, "completed")
        else:
            await self._work_through(command)

    async def _configure(self, command: Command) -> None:
        try:
            change = _object.validate_python(command.params.get("configuration"))
        except ValidationError:
            error = "params.configuration is no object"
            await self._end(command, "failed", error=error, error_class="bad_params")
            return
        merged = {name: value for name, value in {**self._configuration, **change}.items() if value is not None}
        self._fleet.flash.configure(self._uid, self._registered_at, merged)
        self._configuration = merged
        await self._report()
        await self._end(command, "completed")

    async def _work_through(self, command: Command) -> None:
        for progress in _STEPS:
            await asyncio.sleep(self._fleet.step_s)
            if command.id in self._cancelled:
                await self._end(command, "failed", error="cancelled")
                return
            await self._say("replies", _answer(command, "running", progress=progress))
        await asyncio.sleep(self._fleet.step_s)
        await self._end(command, "completed")

    async def _end(self, command: Command, state: str, **more: Any) -> None:
        """Remembered before it is said, so that a repeat is answered and not done."""
        if len(self._answers) >= _REMEMBERED:
            del self._answers[next(iter(self._answers))]
        self._answers[command.id] = _answer(command, state, **more)
        self._fleet.tally.actions[state] += 1
        await self._say("replies", self._answers[command.id])

    async def _report(self) -> None:
        await self._say("state", json.dumps({"configuration": self._configuration}).encode())

    async def _say(self, channel: str, payload: bytes) -> None:
        """Returns when the broker has confirmed. Raises ConnectionLost."""
        assert self._connection is not None  # noqa: S101 - commands come with a connection
        await self._connection.publish(f"devices/{self._uid}/{channel}", payload)


def _answer(command: Command, state: str, **more: Any) -> bytes:
    return json.dumps({"id": command.id, "state": state, **more}).encode()
