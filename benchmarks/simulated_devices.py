"""Simulated devices that publish as fast as the broker confirms, once all of them are there."""

import asyncio
import gc
import time
from dataclasses import replace
from datetime import UTC, datetime

import psutil

from benchmarks import child
from muster_cli.connection import Endpoint
from muster_cli.simulator.course import Course
from muster_cli.simulator.enrolment import Enrolled
from muster_cli.simulator.fleet import Fleet, allow_open_files
from muster_cli.simulator.population import STEADY, SimulatedDevice, simulated_device
from muster_cli.simulator.tally import Tally
from shared.testing import eventually

CONNECTS_PER_SECOND = 400.0
_CALM_S = 5.0
_AT_ONCE_S = 0.001
_PATIENCE_S = 180.0


class Hurry:
    """Whether all devices are there."""

    now = False


class HurriedCourse(Course):
    """Nothing happens, and a sample is due all the time, or every few seconds until all devices are there."""

    __slots__ = ("_hurry",)

    def __init__(self, hurry: Hurry, *, uid: str) -> None:
        super().__init__(STEADY, seed=0, uid=uid)
        self._hurry = hurry

    def every(self, elapsed: float) -> float:
        return _AT_ONCE_S if self._hurry.now else _CALM_S


async def live(host: str, port: int, prefix: str, password: str, devices: int, seconds: float) -> dict[str, float]:
    """`rate` is confirmed messages a second, `kilobytes_each` what the process grew by for each device, `troubles`
    connections that were lost or refused.

    The devices publish and take neither updates nor actions: a broker takes longer to make ten thousand queues for
    commands than for all else that is measured here.
    """
    allow_open_files(devices)
    before = resident_kilobytes()
    hurry, tally = Hurry(), Tally(devices)
    population = [_device(f"{prefix}-{number:04d}", prefix, number, hurry) for number in range(1, devices + 1)]
    enrolled = {one.uid: Enrolled(password, datetime.now(UTC)) for one in population}
    fleet = Fleet(
        population, enrolled, broker=Endpoint(host, port), connects_per_second=CONNECTS_PER_SECOND, tally=tally
    )
    began = time.perf_counter()
    running = asyncio.create_task(fleet.run(None))
    try:
        await eventually(lambda: tally.connected == devices, timeout=_PATIENCE_S, interval=0.02)
    except AssertionError:
        raise RuntimeError(f"{tally.connected} of {devices} are there; {dict(tally.troubles)}") from None
    connected_s = time.perf_counter() - began
    hurry.now = True
    await asyncio.sleep(_CALM_S + 1.0)
    counted, at = tally.confirmed, time.perf_counter()
    await asyncio.sleep(seconds)
    rate = (tally.confirmed - counted) / (time.perf_counter() - at)
    grown = resident_kilobytes() - before
    began = time.perf_counter()
    fleet.stop()
    await running
    stopped_s = time.perf_counter() - began
    return {
        "rate": rate,
        "kilobytes_each": grown / devices,
        "connected_s": connected_s,
        "stopped_s": stopped_s,
        "troubles": tally.troubles.total(),
    }


def resident_kilobytes() -> float:
    """What this process holds, after a look for garbage."""
    gc.collect()
    return psutil.Process().memory_info().rss / 1024


def _device(uid: str, prefix: str, number: int, hurry: Hurry) -> SimulatedDevice:
    return replace(simulated_device(prefix, number, 0), course=HurriedCourse(hurry, uid=uid))


if __name__ == "__main__":
    child.main(live)
