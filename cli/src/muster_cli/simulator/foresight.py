"""What will befall each device of a run, told beforehand: the seed has decided it."""

from itertools import takewhile
from typing import Any

from pydantic import BaseModel

from muster_cli.simulator.cast import Cast
from muster_cli.simulator.population import SimulatedDevice

_LOOKS_AHEAD_S = 600.0
_SAMPLES = 3
_FLASHES = 5


class ForeseenOutage(BaseModel):
    """Seconds since the fleet's start."""

    start: float
    end: float
    herd: bool


class ForeseenDevice(BaseModel):
    """`clock_error` is in seconds, at the start; `samples` are the metrics of the first ones.

    `failing_writes` are those of the first five attempts to write an image, from 0, that would fail.
    """

    device_uid: str
    device_type: str | None
    every: float
    outages: list[ForeseenOutage]
    clock_error: float
    bytes_per_second: float | None
    failing_writes: list[int]
    samples: list[dict[str, Any]]

    @property
    def away_s(self) -> float:
        return sum(outage.end - outage.start for outage in self.outages)


class Foresight(BaseModel):
    """Of the first `seconds`: the run's duration, or ten minutes of one without an end."""

    seed: int
    seconds: float
    devices: list[ForeseenDevice]

    @classmethod
    def of(cls, cast: Cast) -> "Foresight":
        """Uses the devices' random numbers up: they cannot be run afterwards."""
        seconds = cast.duration or _LOOKS_AHEAD_S
        return cls(seed=cast.seed, seconds=seconds, devices=[_foreseen(device, seconds) for device in cast.devices])


def _foreseen(device: SimulatedDevice, seconds: float) -> ForeseenDevice:
    course = device.course
    every = course.every(0.0)
    return ForeseenDevice(
        device_uid=device.uid,
        device_type=device.kind.device_type,
        every=every,
        outages=[
            ForeseenOutage(start=round(start, 3), end=round(end, 3), herd=herd)
            for start, end, herd in takewhile(lambda outage: outage.start < seconds, course.outages())
        ],
        clock_error=round(course.clock_error(0.0), 3),
        bytes_per_second=course.bytes_per_second(0.0),
        failing_writes=[number for number in range(_FLASHES) if course.write_fails(number, 0.0)],
        samples=[_values(device, number * every) for number in range(_SAMPLES)],
    )


def _values(device: SimulatedDevice, elapsed: float) -> dict[str, Any]:
    return {name: shape.at(elapsed, device.chance) for name, shape in device.metrics.items()}
