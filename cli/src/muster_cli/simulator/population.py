"""Which devices a simulated fleet has: types, names, places and metrics, the same for the same prefix and seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from muster_cli.client.devices import NewDevice
from muster_cli.simulator.shapes import Battery, Bursts, Shape, Switch, Wave

_SITES = (
    ("hamburg", 53.5511, 9.9937),
    ("rotterdam", 51.9244, 4.4777),
    ("lyon", 45.7640, 4.8357),
    ("gdansk", 54.3520, 18.6466),
    ("valencia", 39.4699, -0.3763),
    ("gothenburg", 57.7089, 11.9746),
)


@dataclass(frozen=True)
class SimulatedDevice:
    """What one device is (as it is registered) and how its metrics move. `random` feeds its noise."""

    registration: NewDevice
    metrics: Mapping[str, Shape]
    random: Random

    @property
    def uid(self) -> str:
        assert self.registration.device_uid is not None  # noqa: S101 - `simulated_device` always sets it
        return self.registration.device_uid


@dataclass(frozen=True)
class _Kind:
    device_type: str
    name: str
    hardware_version: str
    metrics: Callable[[Random], Mapping[str, Shape]]


def _cold_room(random: Random) -> Mapping[str, Shape]:
    phase = random.random()
    return {
        "temperature": Wave(random.uniform(3.0, 5.0), 1.2, 240.0, 0.08, phase, low=-5.0, high=20.0),
        "humidity": Wave(random.uniform(80.0, 88.0), 4.0, 600.0, 0.4, phase, low=0.0, high=100.0, digits=1),
        "battery": Battery(100.0, 20.0, random.uniform(20_000.0, 40_000.0), random.random()),
        "door_open": Switch(random.uniform(120.0, 300.0), 0.08, random.random()),
    }


def _pump(random: Random) -> Mapping[str, Shape]:
    phase = random.random()
    return {
        "temperature": Wave(random.uniform(48.0, 62.0), 6.0, 420.0, 0.3, phase, drift=0.4, low=10.0, high=110.0),
        "vibration": Bursts(random.uniform(0.8, 1.6), 3.5, random.uniform(45.0, 120.0), 0.12, random.random()),
        "pressure": Wave(random.uniform(3.8, 4.6), 0.5, 180.0, 0.03, phase, low=0.0),
        "flow": Wave(random.uniform(18.0, 26.0), 3.0, 180.0, 0.25, phase, low=0.0, digits=1),
    }


def _weather_station(random: Random) -> Mapping[str, Shape]:
    phase = random.random()
    return {
        "temperature": Wave(random.uniform(9.0, 22.0), 5.0, 900.0, 0.15, phase, low=-40.0, high=55.0),
        "humidity": Wave(random.uniform(55.0, 75.0), 15.0, 900.0, 0.8, phase + 0.5, low=5.0, high=100.0, digits=1),
        "wind_speed": Bursts(
            random.uniform(1.5, 4.0), 9.0, random.uniform(60.0, 150.0), 0.8, random.random(), digits=1
        ),
        "battery": Battery(100.0, 45.0, random.uniform(15_000.0, 25_000.0), random.random()),
    }


def _gateway(random: Random) -> Mapping[str, Shape]:
    return {
        "temperature": Wave(random.uniform(38.0, 46.0), 4.0, 600.0, 0.2, random.random(), low=0.0, high=95.0),
        "cpu_load": Bursts(
            random.uniform(6.0, 18.0), 60.0, random.uniform(90.0, 240.0), 2.0, random.random(), digits=1
        ),
        "memory_used": Wave(random.uniform(35.0, 55.0), 3.0, 1200.0, 0.3, drift=0.8, low=0.0, high=98.0, digits=1),
        "signal": Wave(
            random.uniform(-82.0, -60.0), 5.0, 300.0, 1.0, random.random(), low=-120.0, high=-30.0, digits=0
        ),
    }


_KINDS = (
    _Kind("cold-room", "Cold room", "cr-2.1", _cold_room),
    _Kind("pump", "Pump", "px-300", _pump),
    _Kind("weather-station", "Weather station", "ws-4", _weather_station),
    _Kind("gateway", "Gateway", "gw-1.2", _gateway),
)


def simulated_device(prefix: str, number: int, seed: int) -> SimulatedDevice:
    """Device `number` (from 1) of a fleet. Types and places take turns; its numbers come from the seed and its uid."""
    uid = f"{prefix}-{number:04d}"
    random = Random(f"{seed}/{uid}")  # noqa: S311 - noise, no secret
    kind = _KINDS[(number - 1) % len(_KINDS)]
    site, latitude, longitude = _SITES[(number - 1) // len(_KINDS) % len(_SITES)]
    position = {
        "lat": round(latitude + random.uniform(-0.05, 0.05), 5),
        "lon": round(longitude + random.uniform(-0.08, 0.08), 5),
    }
    registration = NewDevice(
        device_uid=uid,
        name=f"{kind.name} {number}, {site.capitalize()}",
        device_type=kind.device_type,
        serial_number=f"{kind.hardware_version.split('-')[0].upper()}{random.randrange(10**8):08d}",
        hardware_version=kind.hardware_version,
        attributes={"type": kind.device_type, "site": site, "position": position, "simulated": True},
        tags=["simulated", site],
    )
    return SimulatedDevice(registration, kind.metrics(random), random)
