"""The groups of `muster` that only the whole platform can answer, in the order in which a person would use them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from muster_cli.main import app
from muster_stack.stack import Stack
from shared.testing import eventually

pytestmark = pytest.mark.timeout(300)

Muster = Callable[..., Awaitable[Result]]


@pytest.fixture
def muster(stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Muster:
    """The command, signed in as the stack's administrator."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    async def run(*arguments: str, said: str | None = None) -> Result:
        where = ["--stack", str(stack.layout.root)]
        return await asyncio.to_thread(CliRunner().invoke, app, [*where, *arguments], input=said)

    return run


async def done(result: Awaitable[Result]) -> Any:
    """What a command with --json has printed."""
    found = await result
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


async def test_devices_are_gathered_into_groups(muster: Muster):
    name, uids = f"group-{uuid4().hex[:8]}", [f"grouped-{uuid4().hex[:8]}" for _ in range(2)]
    for uid in uids:
        await done(muster("devices", "register", uid, "--tag", name, "--json"))
    made = await done(muster("groups", "create", name, "--device", uids[0], "--json"))
    assert (made["kind"], made["members"]) == ("fixed", 1)
    assert (await muster("groups", "add", name, uids[1])).stdout == "Added: 1\nMembers: 2\n"
    assert (await muster("groups", "remove", name, uids[0])).stdout == "Removed: 1\nMembers: 1\n"
    assert [one["device_uid"] for one in await done(muster("groups", "members", name, "--json"))] == uids[1:]
    await done(muster("groups", "create", f"{name}-found", "--rql", f'like(device_uid,"{uids[0]}")', "--json"))
    found = await done(muster("groups", "members", f"{name}-found", "--json"))
    assert [one["device_uid"] for one in found] == uids[:1]
    listed = [line.split("\t") for line in (await muster("groups", "list")).stdout.splitlines()]
    assert [row[2] for row in listed if row[1].startswith(name)] == ["fixed", "query"]
    for each in (name, f"{name}-found"):
        assert (await muster("groups", "delete", each)).exit_code == 0
    gone = await muster("groups", "show", name)
    assert (gone.exit_code, gone.stderr) == (
        1,
        f'error: there is no group "{name}" (group_not_found); `muster groups list` shows those there are\n',
    )


async def test_a_device_and_many_are_configured(muster: Muster):
    uid = f"configured-{uuid4().hex[:8]}"
    await done(muster("devices", "register", uid, "--json"))
    await done(muster("config", "set", uid, "mode=fast", "slots=4", "--json"))
    changed = await done(muster("config", "set", uid, "slots=5", "--unset", "mode", "--json"))
    assert (changed["desired"], changed["version"]) == ({"slots": 5}, 2)
    assert "slots\t5\t-\t-\n" in (await muster("config", "show", uid)).stdout
    job = await done(muster("config", "job", "start", "mode=slow", "--device", uid, "--json"))
    for verb, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert (await done(muster("config", "job", verb, job["id"], "--json")))["state"] == state
    watched = await muster("config", "job", "watch", job["id"])
    assert (watched.exit_code, "State: cancelled\n" in watched.stdout) == (1, True)
    assert job["id"] in (await muster("config", "job", "list")).stdout
    rows = await done(muster("config", "job", "show", job["id"], "--devices", "--json"))
    assert [row["name"] for row in rows] == [uid]
    assert (await muster("config", "set", uid)).exit_code == 2


async def test_a_sites_password_comes_from_standard_input_and_never_out_again(muster: Muster):
    name = f"site-{uuid4().hex[:8]}"
    broker = ("--host", "127.0.0.1", "--port", "9", "--username", "platform")
    made = await muster("sites", "create", name, *broker, "--password-stdin", "--disabled", said="hush hush\n")
    assert (made.exit_code, "Password: kept\n" in made.stdout) == (0, True), made.output
    assert "hush" not in made.output + (await muster("sites", "show", name, "--json")).output
    assert (await done(muster("sites", "enable", name, "--json")))["enabled"]
    assert (await muster("sites", "devices", name)).stdout == ""
    assert "Link: disabled since" in (await muster("sites", "disable", name)).stdout
    assert f"\t{name}\tmqtt://127.0.0.1:9\t" in (await muster("sites", "list")).stdout
    assert (await muster("sites", "delete", name)).stdout == f"Deleted: {name}\n"
    unsaid = await muster("sites", "create", name, *broker, "--password-stdin", said="")
    assert unsaid.exit_code == 2


async def test_what_devices_report_is_followed_drawn_and_counted(muster: Muster, simulated: Callable[[str, int], Any]):
    prefix = f"told{uuid4().hex[:6]}"
    await simulated(prefix, 2)
    uid = f"{prefix}-0001"
    tailed = await muster("telemetry", "tail", "--rql", f'like(device_uid,"{prefix}-*")', "-n", "3", "--json")
    assert tailed.exit_code == 0, tailed.output
    told = [json.loads(line) for line in tailed.stdout.splitlines()]
    assert len(told) == 3
    assert {one["device_uid"] for one in told} <= {uid, f"{prefix}-0002"}
    metric = next(iter((await done(muster("telemetry", "latest", uid, "--json")))[0]["metrics"]))
    assert f"{uid}\t{metric}\t" in (await muster("telemetry", "latest", uid)).stdout
    chart = await muster("telemetry", "chart", metric, "--device", uid, "--last", "10m")
    assert (chart.exit_code, f"({metric})" in chart.stdout) == (0, True), chart.output
    exported = (await muster("telemetry", "export", "--device", uid, "--metric", metric, "--last", "10m")).stdout
    assert exported.startswith("device_uid,ts,received_at,metric,value\n")
    options = ("--device", uid, "--metric", metric, "--last", "10m", "--resolution", "raw", "--json")
    [row] = (await done(muster("telemetry", "stats", *options)))["items"]
    assert row["count"] >= exported.count("\n") - 1
    unknown = await muster("telemetry", "tail", "--device", f"{prefix}-none")
    assert (unknown.exit_code, "device_not_found" in unknown.stderr) == (1, True)
    assert (await muster("telemetry", "chart", metric, "--last", "soon")).exit_code == 2


async def test_an_alert_is_looked_after(muster: Muster, simulated: Callable[[str, int], Any], tmp_path: Path):
    prefix = f"hot{uuid4().hex[:6]}"
    await simulated(prefix, 1)

    async def reported() -> list[Any]:
        return await done(muster("telemetry", "latest", f"{prefix}-0001", "--json"))

    await eventually(reported, interval=0.5)
    [latest] = await reported()
    metric = next(name for name, reading in latest["metrics"].items() if isinstance(reading["value"], float))
    rule = ("alerts", "rules", "create", prefix, "--metric", metric, "--above=-1000", "--device", f"{prefix}-0001")
    assert (await muster(*rule, "--dry-run")).stdout == "Devices: 1\n"
    made = await done(muster(*rule, "--severity", "critical", "--json"))

    async def opened() -> list[Any]:
        return await done(muster("alerts", "list", "--state", "active", "--rule", made["id"], "--json"))

    await eventually(opened, interval=0.5)
    [alert] = await opened()
    assert "State: active\n" in (await muster("alerts", "acknowledge", alert["id"])).stdout
    commented = await muster("alerts", "comment", alert["id"], "on my way")
    assert commented.stdout.endswith(": on my way\n")
    assert (await muster("alerts", "list", "--rule", made["id"], "--unacknowledged")).stdout == ""
    assert "State: silent until" in (await muster("alerts", "rules", "silence", made["id"], "--for", "2h")).stdout
    assert "State: cleared\n" in (await muster("alerts", "clear", alert["id"])).stdout
    again = await muster("alerts", "clear", alert["id"])
    assert (again.exit_code, "alert_cleared" in again.stderr) == (1, True)
    assert (await muster("alerts", "rules", "delete", made["id"])).exit_code == 0
    (tmp_path / "rule.yaml").write_text(f"name: {prefix}\ncondition: {{kind: presence, offline_s: 60}}\n")
    written = await done(muster("alerts", "rules", "create", "--file", str(tmp_path / "rule.yaml"), "--json"))
    assert written["condition"]["offline_s"] == 60
    assert (await muster("alerts", "rules", "disable", written["id"])).stdout.count("State: disabled\n") == 1
    assert (await muster("alerts", "rules", "create", prefix, "--metric", metric)).exit_code == 2
