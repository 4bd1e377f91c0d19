"""How simulated metrics move."""

import pytest

from muster_cli.simulator.population import simulated_device
from muster_cli.simulator.shapes import Battery, Bursts, Switch, Wave

NO_NOISE = simulated_device("sim", 1, 0).chance
KINDS = [simulated_device("sim", number, 0) for number in range(1, 5)]


def series(number: int, seed: int, count: int = 50) -> list[dict[str, float | bool]]:
    device = simulated_device("sim", number, seed)
    return [{name: shape.at(t, device.chance) for name, shape in device.metrics.items()} for t in range(count)]


def test_the_same_seed_gives_the_same_values():
    assert series(3, seed=7) == series(3, seed=7)


def test_another_seed_or_another_device_gives_other_values():
    assert series(3, seed=7) != series(3, seed=8)
    assert series(3, seed=7) != series(7, seed=7)


@pytest.mark.parametrize("device", KINDS, ids=lambda device: device.kind.device_type)
def test_every_kind_reports_a_temperature_that_moves_and_stays_on_earth(device):
    values = [device.metrics["temperature"].at(t, NO_NOISE) for t in range(0, 7_200, 10)]
    assert -40 <= min(values) < max(values) <= 110


def test_a_wave_repeats_with_its_period_and_keeps_its_bounds():
    wave = Wave(base=20.0, amplitude=5.0, period=60.0, noise=0.0, high=24.0)
    values = [wave.at(t, NO_NOISE) for t in range(120)]
    assert values[:60] == values[60:]
    assert (min(values), max(values)) == (15.0, 24.0)


def test_a_battery_falls_slowly_and_is_charged_again():
    battery = Battery(full=100.0, empty=20.0, discharge=1_000.0)
    levels = [battery.at(t, NO_NOISE) for t in (0, 500, 1_000, 1_050, 1_100)]
    assert levels == pytest.approx([100, 60, 20, 60, 100], abs=0.2)


def test_a_burst_rises_above_the_quiet_level_and_fades():
    bursts = Bursts(quiet=1.0, burst=3.0, period=60.0, noise=0.0)
    assert [bursts.at(t, NO_NOISE) for t in (0, 30, 60)] == [4.0, pytest.approx(1.0, abs=0.05), 4.0]


def test_a_switch_is_on_for_its_share_of_every_period():
    switch = Switch(period=10.0, share=0.3)
    assert [switch.at(t, NO_NOISE) for t in range(10)] == [True] * 3 + [False] * 7
