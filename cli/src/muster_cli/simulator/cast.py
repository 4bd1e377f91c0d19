"""Who takes part in a run, and for how long: a scenario's devices, or as many plain ones as were asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from muster_cli.errors import BadUsage
from muster_cli.simulator.conditions import Conditions, Updating
from muster_cli.simulator.course import Timeline
from muster_cli.simulator.population import SimulatedDevice, simulated_device
from muster_cli.simulator.quantities import Span
from muster_cli.simulator.scenarios.build import devices_of
from muster_cli.simulator.scenarios.reading import read

_DEVICES = 25
_RATE = 1.0
_CONNECTS_PER_SECOND = 200.0


@dataclass(frozen=True)
class Wanted:
    """What was said on the command line; None where nothing was. `link_speed` is in KiB a second."""

    prefix: str
    scenario: str | None = None
    devices: int | None = None
    rate: float | None = None
    link_speed: float | None = None
    seed: int | None = None
    duration: float | None = None
    connect_rate: float | None = None


@dataclass(frozen=True)
class Cast:
    """`duration` is in seconds; None: until stopped."""

    devices: Sequence[SimulatedDevice]
    seed: int
    duration: float | None
    connects_per_second: float


def drawn_up(wanted: Wanted) -> Cast:
    """Raises BadUsage."""
    if wanted.scenario is None:
        return _plain(wanted)
    if any(value is not None for value in (wanted.devices, wanted.rate, wanted.link_speed)):
        raise BadUsage(
            "a scenario says itself how many devices there are, how often they publish and how fast their links are",
            "leave --devices, --rate and --link-speed out, or change the file",
        )
    scenario = read(wanted.scenario)
    seed = scenario.seed if wanted.seed is None else wanted.seed
    return Cast(
        devices_of(scenario, prefix=wanted.prefix, seed=seed),
        seed,
        wanted.duration or scenario.duration,
        wanted.connect_rate or scenario.connects_per_second,
    )


def _plain(wanted: Wanted) -> Cast:
    speed = wanted.link_speed and wanted.link_speed * 1024.0
    link = Span(speed, speed) if speed else None
    timeline = Timeline.steady(Conditions(every=1.0 / (wanted.rate or _RATE), updates=Updating(link=link)))
    seed = wanted.seed or 0
    numbers = range(1, (wanted.devices or _DEVICES) + 1)
    devices = [simulated_device(wanted.prefix, number, seed, timeline) for number in numbers]
    return Cast(devices, seed, wanted.duration, wanted.connect_rate or _CONNECTS_PER_SECOND)
