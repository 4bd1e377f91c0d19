"""Which devices a simulated fleet has: types, names, places and metrics, the same for the same prefix and seed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from muster_cli.client.devices import NewDevice
from muster_cli.simulator.chance import Chance
from muster_cli.simulator.conditions import Conditions
from muster_cli.simulator.course import Course, Timeline
from muster_cli.simulator.shapes import Battery, Bursts, Shape, Switch, Wave

_SITES = (
    ("hamburg", 53.5511, 9.9937),
    ("rotterdam", 51.9244, 4.4777),
    ("lyon", 45.7640, 4.8357),
    ("gdansk", 54.3520, 18.6466),
    ("valencia", 39.4699, -0.3763),
    ("gothenburg", 57.7089, 11.9746),
)


STEADY = Timeline.steady(Conditions())
"""A sample a second, and nothing ever happens."""


@dataclass(frozen=True)
class Kind:
    device_type: str
    name: str
    hardware_version: str
    metrics: Callable[[Chance], Mapping[str, Shape]]


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """What one device is, how its metrics move, and what befalls it. `chance` feeds its noise.

    `described` tells how it is registered: ten thousand descriptions are not kept for the one time that they are asked.
    """

    uid: str
    kind: Kind
    metrics: Mapping[str, Shape]
    chance: Chance
    course: Course
    described: Callable[[], NewDevice]


def _cold_room(chance: Chance) -> Mapping[str, Shape]:
    phase = chance.random()
    return {
        "temperature": Wave(chance.uniform(3.0, 5.0), 1.2, 240.0, 0.08, phase, low=-5.0, high=20.0),
        "humidity": Wave(chance.uniform(80.0, 88.0), 4.0, 600.0, 0.4, phase, low=0.0, high=100.0, digits=1),
        "battery": Battery(100.0, 20.0, chance.uniform(20_000.0, 40_000.0), chance.random()),
        "door_open": Switch(chance.uniform(120.0, 300.0), 0.08, chance.random()),
    }


def _pump(chance: Chance) -> Mapping[str, Shape]:
    phase = chance.random()
    return {
        "temperature": Wave(chance.uniform(48.0, 62.0), 6.0, 420.0, 0.3, phase, drift=0.4, low=10.0, high=110.0),
        "vibration": Bursts(chance.uniform(0.8, 1.6), 3.5, chance.uniform(45.0, 120.0), 0.12, chance.random()),
        "pressure": Wave(chance.uniform(3.8, 4.6), 0.5, 180.0, 0.03, phase, low=0.0),
        "flow": Wave(chance.uniform(18.0, 26.0), 3.0, 180.0, 0.25, phase, low=0.0, digits=1),
    }


def _weather_station(chance: Chance) -> Mapping[str, Shape]:
    phase = chance.random()
    return {
        "temperature": Wave(chance.uniform(9.0, 22.0), 5.0, 900.0, 0.15, phase, low=-40.0, high=55.0),
        "humidity": Wave(chance.uniform(55.0, 75.0), 15.0, 900.0, 0.8, phase + 0.5, low=5.0, high=100.0, digits=1),
        "wind_speed": Bursts(
            chance.uniform(1.5, 4.0), 9.0, chance.uniform(60.0, 150.0), 0.8, chance.random(), digits=1
        ),
        "battery": Battery(100.0, 45.0, chance.uniform(15_000.0, 25_000.0), chance.random()),
    }


def _gateway(chance: Chance) -> Mapping[str, Shape]:
    return {
        "temperature": Wave(chance.uniform(38.0, 46.0), 4.0, 600.0, 0.2, chance.random(), low=0.0, high=95.0),
        "cpu_load": Bursts(
            chance.uniform(6.0, 18.0), 60.0, chance.uniform(90.0, 240.0), 2.0, chance.random(), digits=1
        ),
        "memory_used": Wave(chance.uniform(35.0, 55.0), 3.0, 1200.0, 0.3, drift=0.8, low=0.0, high=98.0, digits=1),
        "signal": Wave(
            chance.uniform(-82.0, -60.0), 5.0, 300.0, 1.0, chance.random(), low=-120.0, high=-30.0, digits=0
        ),
    }


KINDS: Mapping[str, Kind] = {
    kind.device_type: kind
    for kind in (
        Kind("cold-room", "Cold room", "cr-2.1", _cold_room),
        Kind("pump", "Pump", "px-300", _pump),
        Kind("weather-station", "Weather station", "ws-4", _weather_station),
        Kind("gateway", "Gateway", "gw-1.2", _gateway),
    )
}


def simulated_device(prefix: str, number: int, seed: int, timeline: Timeline = STEADY) -> SimulatedDevice:
    """Device `number` (from 1) of a fleet. Types and places take turns; its numbers come from the seed and its uid."""
    kind = list(KINDS.values())[(number - 1) % len(KINDS)]
    return device_of(kind, f"{prefix}-{number:04d}", number, seed, timeline, site_number=(number - 1) // len(KINDS))


def device_of(
    kind: Kind,
    uid: str,
    number: int,
    seed: int,
    timeline: Timeline,
    *,
    site_number: int,
    attributes: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
) -> SimulatedDevice:
    """One of the kind, near one of the sites; `attributes` and `tags` come on top of those that all have."""
    chance = Chance(seed, uid)
    described = partial(_registration, kind, uid, number, seed, site_number, attributes or {}, tags)
    course = Course(timeline, seed=seed, uid=uid)
    return SimulatedDevice(uid, kind, kind.metrics(chance), chance, course, described)


def _registration(
    kind: Kind,
    uid: str,
    number: int,
    seed: int,
    site_number: int,
    attributes: Mapping[str, Any],
    tags: Sequence[str],
) -> NewDevice:
    chance = Chance(seed, uid, "registration")
    site, latitude, longitude = _SITES[site_number % len(_SITES)]
    position = {
        "lat": round(latitude + chance.uniform(-0.05, 0.05), 5),
        "lon": round(longitude + chance.uniform(-0.08, 0.08), 5),
    }
    described = {"type": kind.device_type, "site": site, "position": position, "simulated": True}
    return NewDevice(
        device_uid=uid,
        name=f"{kind.name} {number}, {site.capitalize()}",
        device_type=kind.device_type,
        serial_number=f"{kind.hardware_version.split('-')[0].upper()}{chance.below(10**8):08d}",
        hardware_version=kind.hardware_version,
        attributes={**described, **attributes},
        tags=["simulated", site, *tags],
    )
