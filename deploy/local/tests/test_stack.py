"""A whole platform in one directory: up, repaired, described, down."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from muster_stack.addresses import explicit_servers
from muster_stack.keeper import Keeper
from muster_stack.stack import Stack
from muster_stack.throwaway import ThrowAway
from shared.testing import eventually

_KEYS = {
    "gateway",
    "device_management",
    "ota_service",
    "monitoring",
    "dashboard",
    "amqp",
    "mqtt",
    "grpc",
    "postgres",
    "redis",
    "mongodb",
    "admin",
}


@pytest.fixture
def borrowing(servers: ThrowAway) -> Iterator[Stack]:
    """A stack that starts no server of its own, because the addresses of others are given."""
    for name in ("postgres", "redis", "rabbitmq", "mongodb"):
        servers.wait(name)
    given = {
        "MUSTER_POSTGRES_URL": servers.postgres.url,
        "MUSTER_REDIS_URL": servers.redis.url,
        "MUSTER_AMQP_URL": servers.rabbitmq.url,
        "MUSTER_BROKER_MANAGEMENT_URL": servers.rabbitmq.management_url(),
        "MUSTER_MONGODB_URL": servers.mongodb.url,
    }
    keeper = Keeper("muster-stack-")
    yield Stack(keeper.directory, given, say=print)
    keeper.close()


def test_the_description_has_exactly_the_promised_keys(stack: Stack):
    assert set(stack.info) == _KEYS
    assert set(stack.info["admin"]) == {"email", "password"}
    assert stack.layout.info.stat().st_mode & 0o777 == 0o600


def test_everything_is_ready_when_up_returns(stack: Stack):
    assert len(stack.status()) == 12
    asyncio.run(eventually(lambda: all(state.ready for state in stack.status()), why="all ready that was before"))


def test_the_administrator_of_the_description_signs_in_through_the_gateway(stack: Stack):
    info = stack.info
    form = {"username": info["admin"]["email"], "password": info["admin"]["password"]}
    answer = httpx.post(f"{info['gateway']}/api/v2/auth/login", data=form, trust_env=False, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"


@pytest.mark.parametrize("path", ["/broker/user", "/metrics", "/readyz", "/livez"])
def test_what_only_insiders_may_ask_is_not_behind_the_gateway(stack: Stack, path: str):
    assert httpx.post(f"{stack.info['gateway']}{path}", trust_env=False, timeout=60).status_code == 404


def test_up_again_changes_nothing(stack: Stack):
    before = {state.name: state.pid for state in stack.status()}
    assert stack.up() == []
    assert {state.name: state.pid for state in stack.status()} == before


@pytest.mark.parametrize(
    "killed",
    [
        ("gateway", "monitoring-worker"),
        ("postgres", "redis", "ota-service-api"),
        ("epmd", "mongodb", "device-management-worker"),
    ],
    ids="+".join,
)
def test_up_repairs_what_was_killed_and_leaves_the_rest_alone(stack: Stack, killed: tuple[str, ...]):
    before = {state.name: state.pid for state in stack.status()}
    info = stack.info
    for name in killed:
        stack.kill(name)
    assert sorted(stack.up()) == sorted(killed)
    after = {state.name: state.pid for state in stack.status()}
    assert {name for name in before if before[name] != after[name]} == set(killed)
    assert stack.info == info


def test_a_killed_broker_comes_back_on_its_address_with_its_users(stack: Stack):
    stack.kill("rabbitmq")
    assert stack.up() == ["rabbitmq"]
    asyncio.run(eventually(lambda: all(state.ready for state in stack.status())))


def test_given_addresses_win_and_their_servers_are_not_started(borrowing: Stack):
    started = borrowing.up()
    assert not set(started) & {"postgres", "redis", "rabbitmq", "mongodb", "epmd"}
    assert len(started) == 7
    assert borrowing.info["postgres"] == borrowing._settings["MUSTER_POSTGRES_URL"]
    assert explicit_servers(borrowing._settings) == {"postgres", "redis", "rabbitmq", "mongodb"}


def test_down_ends_exactly_what_was_started(borrowing: Stack, servers: ThrowAway, runs: Callable[[int], bool]):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        borrowing.up()
        pids = [state.pid for state in borrowing.status()]
        assert len(borrowing.down()) == 7
        assert not any(runs(pid) for pid in pids if pid)
        assert all(servers.processes.pid(name) for name in ("postgres", "redis", "rabbitmq", "mongodb", "epmd"))
        assert stranger.poll() is None
        assert borrowing.down() == []
    finally:
        stranger.kill()
        stranger.wait()


def test_a_stack_keeps_all_of_its_state_in_its_directory(stack: Stack):
    root = stack.layout.root
    assert json.loads((root / "stack.json").read_text()) == stack.info
    for state in stack.status():
        assert state.pid is not None
        assert Path(f"/proc/{state.pid}/cwd").resolve().is_relative_to(root)
