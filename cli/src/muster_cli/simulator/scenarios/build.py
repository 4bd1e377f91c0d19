"""The devices of a scenario. Pure: the same scenario, prefix and seed give the same devices and the same courses."""

import math
from collections.abc import Mapping
from functools import partial

from muster_cli.errors import BadUsage
from muster_cli.simulator.chance import Chance
from muster_cli.simulator.course import Herd, Stage, Timeline
from muster_cli.simulator.population import KINDS, Kind, SimulatedDevice, device_of
from muster_cli.simulator.scenarios.document import Population, Scenario
from muster_cli.simulator.shapes import Shape

_LONGEST_UID = 64


def devices_of(scenario: Scenario, *, prefix: str, seed: int) -> list[SimulatedDevice]:
    """`<prefix>-<population>-0001` and on. Raises BadUsage when that is too long for a uid."""
    devices: list[SimulatedDevice] = []
    for name, population in scenario.populations.items():
        timeline = timeline_of(scenario, name)
        kind = _kind(name, population)
        for number in range(1, population.devices + 1):
            uid = f"{prefix}-{name}-{number:04d}"
            if len(uid) > _LONGEST_UID:
                raise BadUsage(f"{uid} is too long for a uid", "choose a shorter --prefix")
            devices.append(
                device_of(
                    kind,
                    uid,
                    number,
                    seed,
                    timeline,
                    site_number=number - 1,
                    attributes=population.attributes,
                    tags=population.tags,
                )
            )
    return devices


def timeline_of(scenario: Scenario, name: str) -> Timeline:
    """The conditions of a population, cut where a phase begins or ends."""
    phases = [phase for phase in scenario.phases if phase.populations is None or name in phase.populations]
    cuts = sorted({0.0} | {phase.start for phase in phases} | {phase.end for phase in phases} - {math.inf})
    stages: list[Stage] = []
    for start in cuts:
        conditions = scenario.populations[name].conditions
        for phase in phases:
            if phase.start <= start < phase.end:
                conditions = phase.over(conditions)
        stages.append(Stage(start, conditions))
    herds = [
        Herd(herd.at, herd.away, herd.share)
        for herd in scenario.herds
        if herd.populations is None or name in herd.populations
    ]
    return Timeline(stages, herds)


def _kind(name: str, population: Population) -> Kind:
    built_in = KINDS.get(population.kind or "")
    return Kind(
        device_type=population.type or (built_in.device_type if built_in else name),
        name=built_in.name if built_in else name.replace("-", " ").replace("_", " ").capitalize(),
        hardware_version=population.hardware or (built_in.hardware_version if built_in else f"{name}-1"),
        metrics=partial(_metrics, built_in, population),
    )


def _metrics(built_in: Kind | None, population: Population, chance: Chance) -> Mapping[str, Shape]:
    own = {name: metric.of(chance) for name, metric in population.metrics.items()}
    return {**(built_in.metrics(chance) if built_in else {}), **own}
