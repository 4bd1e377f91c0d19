"""All devices of one run in one process."""

import asyncio
import resource
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from muster_cli.connection import Endpoint
from muster_cli.errors import BadUsage
from muster_cli.simulator.actions import ActingFleet, DeviceActions
from muster_cli.simulator.device import DeviceProcess
from muster_cli.simulator.enrolment import Enrolled
from muster_cli.simulator.line import Line
from muster_cli.simulator.pace import Pace
from muster_cli.simulator.population import SimulatedDevice
from muster_cli.simulator.tally import Tally
from muster_cli.simulator.updates import DeviceUpdates, Reboot, UpdatingFleet
from shared.cancellation import end

_SPARE_FILES = 100
_DRAIN_S = 10.0
_DRAIN_PER_DEVICE_S = 0.005


class Fleet:
    """Starts devices, spread over one interval so that they do not publish in step, and stops them together."""

    def __init__(
        self,
        devices: Sequence[SimulatedDevice],
        enrolled: Mapping[str, Enrolled],
        *,
        broker: Endpoint,
        connects_per_second: float,
        tally: Tally,
        updating: UpdatingFleet | None = None,
        acting: ActingFleet | None = None,
    ) -> None:
        """Without `updating` none takes updates, without `acting` none does actions."""
        pace = Pace(connects_per_second)
        self._processes = [
            DeviceProcess(
                device,
                enrolled[device.uid].token,
                broker=broker,
                pace=pace,
                tally=tally,
                offset=device.course.every(0.0) * number / len(devices),
                updates=_updates(updating, device, enrolled[device.uid]) if updating is not None else None,
                actions=_actions(acting, device, enrolled[device.uid]) if acting is not None else None,
            )
            for number, device in enumerate(devices)
        ]
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self, duration: float | None) -> None:
        """Runs for `duration` seconds, or until stopped; devices that do not end in a bounded time are cut off."""
        started = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(process.run(started)) for process in self._processes]
            with suppress(TimeoutError):
                async with asyncio.timeout(duration):
                    await self._stopping.wait()
            for process in self._processes:
                process.stop()
            _, late = await asyncio.wait(tasks, timeout=_DRAIN_S + _DRAIN_PER_DEVICE_S * len(tasks))
            await end(late)


def _updates(
    fleet: UpdatingFleet, device: SimulatedDevice, enrolled: Enrolled
) -> Callable[[Line, Reboot], DeviceUpdates]:
    def of(line: Line, reboot: Reboot) -> DeviceUpdates:
        token, registered_at = enrolled
        return DeviceUpdates(fleet, device, token=token, registered_at=registered_at, line=line, reboot=reboot)

    return of


def _actions(fleet: ActingFleet, device: SimulatedDevice, enrolled: Enrolled) -> Callable[[Reboot], DeviceActions]:
    def of(reboot: Reboot) -> DeviceActions:
        return DeviceActions(fleet, uid=device.uid, registered_at=enrolled.registered_at, reboot=reboot)

    return of


def allow_open_files(devices: int) -> None:
    """Lets this process hold a connection for each device. Raises BadUsage when the system does not allow as many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = devices + _SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BadUsage(
            f"{devices} devices need {wanted} open files and this system allows {hard}",
            f"raise it with `ulimit -Hn {wanted}` as root, or simulate fewer",
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
