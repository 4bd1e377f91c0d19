"""What a scenario's file may say, and what is told about one that says something else."""

import pytest

from muster_cli.errors import BadUsage
from muster_cli.simulator.scenarios.build import devices_of
from muster_cli.simulator.scenarios.reading import parse, read, shipped

WHOLE = """\
duration: 5m
populations:
  pumps:
    devices: 2
    kind: pump
    every: 500ms
    metrics:
      level: {shape: sine, base: [3, 5], amplitude: 1.2, period: 4m, noise: 0.1}
      drift: {shape: walk, start: 3, step: 0.3, low: 2, high: 4}
      stage: {shape: step, levels: [0, 5], lasts: 10s}
      mode: {shape: choice, of: [idle, busy], lasts: [10s, 20s]}
      turns: {shape: counter, per_second: [2, 3], noise: 0.1}
      fixed: {shape: constant, value: true}
    offline: {share: 30%, every: 1m, lasts: [20s, 60s]}
    network: {drops_every: 90s, away: [1s, 5s], delay: [50ms, 800ms]}
    clock: {skew: [-2h, 2h], drift: 4s, jumps_every: 30s, jump: [-60s, 60s]}
    updates: {link: [32KiB, 128KiB], writes: [1s, 3s], flash_fails: 10%}
  valves:
    devices: 1
    metrics: {open: {shape: constant, value: 1}}
phases:
  - {from: 1m, until: 2m, populations: [pumps], network: {}, offline: never}
herds:
  - {at: 2m, away: 10s, share: 50%}
"""

MISTAKES = {
    "shape: sine": ("shape: sinus", "populations.pumps.metrics.level (line 8): "),
    "[3, 5], amplitude": ("[5, 3], amplitude", "populations.pumps.metrics.level.base (line 8): the smaller of the two"),
    "base: [3, 5]": ("base: [3, 4, 5]", "populations.pumps.metrics.level.base (line 8): is one value, or [low, high]"),
    "amplitude: 1.2": ("amplitud: 1.2", "populations.pumps.metrics.level.amplitude (line 8): is missing"),
    "value: true": ("value: null", "populations.pumps.metrics.fixed.value (line 13): must be a number, a text"),
    "drops_every: 90s": ("drops_every: 90x", 'network.drops_every (line 15): "90x" is not a time like'),
    "share: 30%": ("share: 130%", "populations.pumps.offline.share (line 14): "),
    "link: [32KiB": ("link: [0KiB", "populations.pumps.updates.link (line 17): must be more than 0"),
    "devices: 2": ("devices: two", "populations.pumps.devices (line 4): "),
    "kind: pump": ("kind: pumps", "populations.pumps.kind (line 5): "),
    "metrics: {open: {shape: constant, value: 1}}": ("every: 1s", "populations.valves (line 19): needs a kind, or"),
    "until: 2m": ("until: 30s", "phases[0] (line 22): until must be later than from"),
    "populations: [pumps]": ("populations: [pump]", 'phases[0].populations: there is no population "pump"'),
    "share: 50%": ("shares: 50%", "herds[0].shares (line 24): is not known here"),
    "duration: 5m": ("duration: [", "my.yaml, line 3: "),
}


def test_all_that_a_file_may_say_is_read():
    devices = devices_of(parse(WHOLE, "all.yaml"), prefix="sim", seed=1)
    assert [device.uid for device in devices] == ["sim-pumps-0001", "sim-pumps-0002", "sim-valves-0001"]
    pump = devices[0]
    values = {name: shape.at(0.0, pump.chance) for name, shape in pump.metrics.items()}
    assert {"temperature", "vibration", "level", "drift", "turns"} <= set(values)
    assert (values["fixed"], values["mode"] in {"idle", "busy"}, values["stage"] in {0, 5}) == (True, True, True)
    assert pump.course.every(0.0) == 0.5
    assert 32 * 1024 <= (pump.course.bytes_per_second(0.0) or 0) <= 128 * 1024


def test_devices_of_one_population_differ_where_the_file_has_a_low_and_a_high():
    first, second, _ = devices_of(parse(WHOLE, "all.yaml"), prefix="sim", seed=1)
    assert first.metrics["level"] != second.metrics["level"]
    assert first.course.bytes_per_second(0.0) != second.course.bytes_per_second(0.0)


@pytest.mark.parametrize("right", MISTAKES)
def test_a_mistake_is_told_with_its_path_and_line(right):
    wrong, told = MISTAKES[right]
    assert right in WHOLE
    with pytest.raises(BadUsage) as refused:
        parse(WHOLE.replace(right, wrong), "my.yaml")
    assert str(refused.value).startswith("my.yaml")
    assert told in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "42", "populations: {}", "a: &a [*a]", "\x00"])
def test_what_is_no_scenario_is_refused(text):
    with pytest.raises(BadUsage, match=r"^my\.yaml"):
        parse(text, "my.yaml")


def test_many_mistakes_are_told_shortly():
    text = "populations: {p: {devices: 0, kind: x, every: 0, tags: 1, colour: red}}"
    with pytest.raises(BadUsage, match=r"; and 2 more$"):
        parse(text, "my.yaml")


def test_a_file_that_is_not_there_names_those_that_come_with_the_command(tmp_path):
    with pytest.raises(BadUsage, match="name a file, or one of bad-clocks, cold-chain, failing-update, herd"):
        read(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("name", shipped())
def test_a_scenario_that_comes_with_the_command_is_one(name):
    scenario = read(name)
    assert scenario.description
    assert devices_of(scenario, prefix="sim", seed=scenario.seed)


def test_a_uid_that_would_be_too_long_is_refused():
    with pytest.raises(BadUsage, match="choose a shorter --prefix"):
        devices_of(parse(WHOLE, "all.yaml"), prefix="p" * 56, seed=1)
