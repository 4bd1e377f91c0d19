"""Scenarios on a real broker, and as a person starts them."""

import json
from datetime import UTC, datetime

import pytest

from muster_cli.connection import Endpoint
from muster_cli.simulator.cast import Wanted, drawn_up
from muster_cli.simulator.enrolment import Enrolled
from muster_cli.simulator.fleet import Fleet
from muster_cli.simulator.tally import Tally
from shared.testing import eventually

from .conftest import PASSWORD

SCENARIO = """\
duration: 3s
populations:
  a:
    devices: 4
    kind: pump
    every: 50ms
    network: {delay: [0ms, 20ms]}
  b:
    devices: 2
    every: 50ms
    metrics: {step: {shape: walk, start: 5, step: 1}}
    clock: {skew: -1h}
herds:
  - {at: 1s, away: 500ms}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "two-kinds.yaml"
    path.write_text(SCENARIO)
    return path


async def lived(file, prefix: str, rabbitmq_server) -> Tally:
    """One run of the scenario."""
    cast = drawn_up(Wanted(prefix=prefix, scenario=str(file), seed=7))
    tally = Tally(len(cast.devices))
    enrolled = {device.uid: Enrolled(PASSWORD, datetime(2026, 1, 1, tzinfo=UTC)) for device in cast.devices}
    broker = Endpoint(rabbitmq_server.mqtt_host, rabbitmq_server.mqtt_port)
    await Fleet(cast.devices, enrolled, broker=broker, connects_per_second=200, tally=tally).run(cast.duration)
    return tally


async def test_devices_live_a_scenario_and_do_so_alike_with_the_same_seed(
    file, topic, internal_users, prefix, rabbitmq_server
):
    uids = [f"{prefix}-a-{number:04d}" for number in range(1, 5)] + [f"{prefix}-b-0001", f"{prefix}-b-0002"]
    internal_users(*uids)
    runs = []

    async def was_lived() -> bool:
        """What a scenario says happens by the clock: a run in which the machine stood still is none."""
        topic.received.clear()
        tally = await lived(file, prefix, rabbitmq_server)
        assert (tally.ever_connected, tally.cuts, tally.reconnects, tally.troubles.total()) == (6, 6, 6, 0)
        assert tally.sent == tally.confirmed > 60
        return True

    for _ in range(2):
        await eventually(was_lived)
        await eventually(
            lambda: all(len({one["session"] for one in topic.on(uid, "status") if one["online"]}) == 2 for uid in uids)
        )
        runs.append({uid: {one["seq"]: one["metrics"] for one in topic.on(uid, "telemetry")} for uid in uids})
    first, again = runs
    for uid in uids:
        both = first[uid].keys() & again[uid].keys()
        assert len(both) > 10
        assert all(first[uid][seq] == again[uid][seq] for seq in both)
    now = datetime.now(UTC).timestamp() * 1_000
    assert all(now - one["ts"] > 3_590_000 for one in topic.on(uids[-1], "telemetry"))
    assert all(now - one["ts"] < 1_800_000 for one in topic.on(uids[0], "telemetry"))


def test_what_would_happen_is_the_same_each_time_and_starts_nothing(muster, platform, file):
    command = ("simulate", "--scenario", str(file), "--seed", "7", "--dry-run", "--json")
    first, again, other = muster(*command), muster(*command), muster(*command, "--seed", "8")
    assert first.exit_code == 0, first.stderr
    assert first.stdout == again.stdout != other.stdout
    foreseen = json.loads(first.stdout)
    assert (foreseen["seed"], foreseen["seconds"], len(foreseen["devices"])) == (7, 3.0, 6)
    assert foreseen["devices"][0]["outages"] == [{"start": 1.0, "end": 1.5, "herd": True}]
    assert foreseen["devices"][5]["clock_error"] == -3600.0
    assert (platform.devices, platform.calls) == ({}, [])


def test_a_scenario_says_how_many_devices_there_are(muster, file):
    refused = muster("simulate", "--scenario", str(file), "--devices", "3")
    assert refused.exit_code == 2
    assert "leave --devices, --rate and --link-speed out" in refused.stderr


def test_a_scenario_with_a_mistake_is_one_line_and_exit_code_2(muster, file):
    file.write_text(SCENARIO.replace("kind: pump", "kind: plump"))
    refused = muster("simulate", "--scenario", str(file))
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"error: {file}: populations.a.kind (line 5): ")
    assert refused.stderr.count("\n") == 1
