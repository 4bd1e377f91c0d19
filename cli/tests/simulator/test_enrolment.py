"""Registering a simulated fleet, and finding it again."""

import json
import stat

import pytest

from muster_cli.client import MusterClient
from muster_cli.errors import Refused
from muster_cli.sign_in import PasswordSignIn
from muster_cli.simulator.enrolment import Enrolment
from muster_cli.simulator.population import simulated_device
from muster_cli.simulator.tally import Tally
from muster_cli.simulator.tokens import TokenFile

DEVICES = [simulated_device("sim", number, 0) for number in range(1, 41)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "simulator" / "sim.json"


async def enrol(platform, path, tally=None, devices=DEVICES):
    sign_in = PasswordSignIn(platform.server, "admin@muster.example", "correct horse")
    async with MusterClient.open(platform.server, sign_in) as client:
        return await Enrolment(client, TokenFile(path), tally or Tally(len(devices))).enrol(devices)


async def test_every_device_is_registered_once_and_gets_a_token(platform, path):
    tally = Tally(len(DEVICES))
    tokens = await enrol(platform, path, tally)
    assert set(tokens) == set(platform.devices) == {device.uid for device in DEVICES}
    assert (tally.registered, tally.found, tally.tokens_issued) == (40, 0, 40)


async def test_many_are_registered_in_one_request_and_found_in_another(platform, path):
    await enrol(platform, path)
    assert [call for call in platform.calls if call.endswith(("devices", "batch"))] == ["POST devices"]
    platform.calls.clear()
    await enrol(platform, path)
    assert platform.calls == ["POST auth/login", "GET devices"]


async def test_a_second_run_reuses_devices_and_tokens(platform, path):
    first = await enrol(platform, path)
    tally = Tally(len(DEVICES))
    assert await enrol(platform, path, tally) == first
    assert (tally.registered, tally.found, tally.tokens_issued, tally.tokens_reused) == (0, 40, 0, 40)


async def test_a_lost_token_file_finds_the_devices_and_issues_new_tokens(platform, path):
    await enrol(platform, path)
    path.write_text("{ half a fi")
    tally = Tally(len(DEVICES))
    await enrol(platform, path, tally)
    assert (tally.registered, tally.found, tally.tokens_issued) == (0, 40, 40)


async def test_tokens_of_another_database_are_not_used(platform, path):
    await enrol(platform, path)
    for device in platform.devices.values():
        device["registered_at"] = "2026-05-05T00:00:00Z"
    tally = Tally(len(DEVICES))
    await enrol(platform, path, tally)
    assert tally.tokens_issued == 40


async def test_tokens_about_to_expire_are_issued_anew(platform, path):
    platform.token_expires_at = "2026-01-01T00:00:00Z"
    await enrol(platform, path)
    tally = Tally(len(DEVICES))
    await enrol(platform, path, tally)
    assert tally.tokens_issued == 40


async def test_the_token_file_is_private(platform, path):
    await enrol(platform, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(json.loads(path.read_text())) == 40
    assert list(path.parent.iterdir()) == [path]


async def test_a_platform_that_is_not_ready_yet_is_waited_for(platform, path):
    platform.unavailable = 4
    assert len(await enrol(platform, path)) == 40


async def test_a_uid_of_another_organization_asks_for_another_prefix(platform, path):
    platform.foreign.add("sim-0003")
    with pytest.raises(Refused, match=r"sim-0003 belongs to another organization .*; choose another --prefix"):
        await enrol(platform, path)
    assert platform.issued == 0


async def test_tokens_are_kept_when_a_later_one_is_refused(platform, path, monkeypatch):
    issue_token = MusterClient.issue_token

    async def all_but_one(client, uid):
        if uid == "sim-0040":
            raise Refused(409, "device_retired", "it is retired")
        return await issue_token(client, uid)

    monkeypatch.setattr(MusterClient, "issue_token", all_but_one)
    with pytest.raises(Refused, match="device_retired"):
        await enrol(platform, path)
    assert "sim-0001" in json.loads(path.read_text())
