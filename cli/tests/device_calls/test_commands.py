"""The six words, over REST and over gRPC: one behaviour."""

import asyncio
import json


async def test_devices_are_registered_and_listed(words):
    first = await words("register", "router-001", "--name", "Main Router", "--type", "router", "--status", "IDLE")
    assert (first.exit_code, first.stdout) == (0, "✓ Device 'router-001' registered successfully\n")
    for number in (1, 2):
        await words("register", f"sensor-00{number}", "--type", "sensor")
    listed = (await words("list")).stdout.splitlines()
    assert listed[0] == "Registered Devices (3 total):"
    assert listed[2].split() == ["Device", "ID", "Name", "Type", "Status", "Action"]
    assert [line.split() for line in listed[4:]] == [
        ["router-001", "Main", "Router", "router", "IDLE", "None"],
        ["sensor-001", "-", "sensor", "IDLE", "None"],
        ["sensor-002", "-", "sensor", "IDLE", "None"],
    ]


async def test_one_is_looked_at_and_its_status_set_in_either_case(words):
    await words("register", "router-001", "--name", "Main Router", "--type", "router")
    info = (await words("get-info", "router-001")).stdout.splitlines()
    assert info[0] == "Device Information:"
    assert [line.split(":")[0].strip() for line in info[1:]] == [
        "ID", "Name", "Type", "Status", "Registered", "Last Updated", "Current Action",
    ]  # fmt: skip
    change = await words("set-status", "router-001", "maintenance")
    assert change.stdout.splitlines() == [
        "✓ Device 'router-001' status updated:",
        "  Previous: IDLE",
        "  Current:  MAINTENANCE",
    ]


async def test_an_action_is_asked_for_with_its_parameters_and_followed_to_its_end(words):
    await words("register", "router-001")
    begun = await words("initiate-action", "router-001", "SOFTWARE_UPDATE", "--params", "version=2.1.0", "channel=beta")
    assert begun.exit_code == 0, begun.stderr
    said, number, status = begun.stdout.splitlines()
    assert said == "✓ Action initiated successfully"
    assert number.split()[:2] == ["Action", "ID:"]
    assert status.split()[0] == "Status:"
    action_id = number.split()[2]
    polled = await words("poll-action", action_id, "--interval", "0.1")
    assert polled.exit_code == 0
    assert polled.stdout.startswith(f"Polling action '{action_id}' (interval: 0.1s)...\nPress Ctrl+C to stop polling\n")
    assert polled.stdout.endswith("Status: COMPLETED\n✓ Action completed successfully!\n")
    looked = (await words("action-status", action_id)).stdout.splitlines()
    assert "Type: SOFTWARE_UPDATE" in looked
    assert set(next(line for line in looked if line.startswith("Params:")).split()[1:]) == {
        "version=2.1.0",
        "channel=beta",
    }


async def test_what_is_refused_is_told_on_one_line_with_the_next_step(words):
    for command, code in (("get-info", "device_not_found"), ("action-status", "action_not_found")):
        result = await words(command, "7")
        assert result.exit_code == 1
        assert f"({code}); `muster " in result.stderr
        assert result.stderr.count("\n") == 1
    await words("register", "router-001")
    again = await words("register", "router-001")
    assert again.exit_code == 1
    assert "device_uid_taken" in again.stderr


async def test_an_answer_is_json_where_that_is_asked_for(words):
    await words("register", "router-001")
    [device] = json.loads((await words("list", "--json")).stdout)
    assert (device["id"], device["status"]) == ("router-001", "idle")


async def test_a_parameter_without_a_value_is_wrong_usage(words):
    result = await words("initiate-action", "router-001", "SYSTEM_REBOOT", "--params", "now")
    assert (result.exit_code, result.stderr) == (2, 'error: "now" is not NAME=VALUE; write it like site=hamburg\n')


class TestOverGrpc:
    async def test_a_word_that_is_no_status_is_wrong_usage(self, muster, office):
        over = ("--transport", "grpc", "--server", office.address)
        result = await asyncio.to_thread(muster, *over, "set-status", "a", "TIRED")
        assert result.exit_code == 2
        assert '"TIRED" is no status; write one of IDLE' in result.stderr

    async def test_a_token_that_has_ended_meanwhile_is_renewed(self, muster, office, platform):
        office.refused = {"access-1"}
        result = await asyncio.to_thread(muster, "--transport", "grpc", "--server", office.address, "list")
        assert result.exit_code == 0, result.stderr
        assert len(office.tokens) == 2
        assert platform.calls == ["POST auth/login", "POST auth/refresh"]

    async def test_nobody_there_is_exit_code_3(self, muster):
        result = await asyncio.to_thread(muster, "--transport", "grpc", "--server", "127.0.0.1:9", "list")
        assert result.exit_code == 3
        assert "nothing answers gRPC at 127.0.0.1:9" in result.stderr
