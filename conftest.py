"""Real servers for every test: started once a process, when a test first asks, in a directory that goes away.

Per test there is a fresh database, a flushed cache, a fresh virtual host. Nothing needs to be running beforehand, and
nothing that runs is touched.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote
from uuid import uuid4

import asyncpg
import httpx
import pymongo
import pytest
import redis
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

import monitoring  # noqa: F401 - or pytest would take the folder of the same name for the package
import shared  # noqa: F401 - likewise
from muster_stack.keeper import Keeper
from muster_stack.ports import LOOPBACK
from muster_stack.rabbitmq import MONITOR_USER, create_vhost, delete_vhost
from muster_stack.stack import Stack
from muster_stack.throwaway import ThrowAway
from shared.testing.attack import Attack
from shared.testing.documented import watched

_SERVERS = ("postgres", "redis", "rabbitmq", "mongodb")
settings.register_profile(
    "busy machine",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("busy machine")
settings.register_profile("at length", derandomize=False, max_examples=1_000)
"""For `make soak`: other examples each time. Otherwise they are always the same ones."""
_servers = pytest.StashKey[ThrowAway]()
_SETTINGS = {"MUSTER_ROLLUP_SECONDS": "10"}
"""Of the whole platform: accounts are right soon, and not only when a minute is over."""
_platform = pytest.StashKey[Keeper]()

# Seconds that the tests of a folder may take together on two cores with three processes; `make check` holds them to it,
# and all of them together to its session timeout.
_BUDGETS = {
    "shared": 880,
    "device-management": 700,
    "ota-service": 600,
    "monitoring": 350,
    "cli": 320,
    "deploy/local": 220,
    "tests": 1_850,
}
_spent: defaultdict[str, float] = defaultdict(float)


@dataclass(frozen=True)
class PostgresServer:
    url: str
    """`postgresql://user:password@host:port`, without a database."""


@dataclass(frozen=True)
class RedisServer:
    url: str


@dataclass(frozen=True)
class MongoDBServer:
    url: str


@dataclass(frozen=True)
class RabbitMQServer:
    url: str
    """AMQP, virtual host `/`, as the services' user."""

    management_url: str
    """As an administrator."""

    monitor_url: str
    """The management interface as a user who may only look."""

    mqtt_host: str
    mqtt_port: int
    auth_port: int
    """Where the broker asks for devices: a test that lets devices in serves POST /broker/* here. Free at first."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--attack-seed", type=int, help="attack the services at length, from this seed")
    parser.addoption("--attack-examples", type=int, default=100, help="of each operation, and how many walks")
    parser.addoption("--budgets", action="store_true", help="fail when a suite takes longer than it may")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    suite = report.nodeid.partition("/tests/")[0] if "/tests/" in report.nodeid else report.nodeid.split("/")[0]
    _spent[suite] += report.duration


_PLATFORMS = {
    "browsed": ("tests/e2e/",),
    "broken": ("tests/faults/", "deploy/local/tests/test_stack.py"),
}
"""Tests that share a whole platform, which takes long to start: each of these stays in one process."""


def _platform_of(nodeid: str) -> str | None:
    return next((name for name, paths in _PLATFORMS.items() if nodeid.startswith(paths)), None)


class _Scheduling(LoadScopeScheduling):
    """The groups of pytest-xdist itself (3.8) are without effect on pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return _platform_of(nodeid) or nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a whole platform begin first, because they take the longest."""
    items.sort(key=lambda item: _platform_of(item.nodeid) is None)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Ends the platform with the last test that may want it, and not with the session: the others want the cores."""
    over = nextitem is not None and _platform_of(item.nodeid) and not _platform_of(nextitem.nodeid)
    if over and _platform in item.config.stash:
        item.config.stash[_platform].close()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.config.option.budgets or hasattr(session.config, "workerinput"):
        return
    for suite, seconds in _spent.items():
        if seconds > _BUDGETS[suite]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not terminalreporter.config.option.budgets:
        return
    terminalreporter.section("time by suite")
    for suite, seconds in sorted(_spent.items()):
        over = "  OVER" if seconds > _BUDGETS[suite] else ""
        terminalreporter.line(f"{suite:20} {seconds:6.0f} s of {_BUDGETS[suite]:4} s{over}", red=bool(over))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts all servers that the chosen tests need at once, while the first tests that need none already run."""
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    for server in _SERVERS:
        if f"{server}_server" in wanted:
            _throw_away(session.config).begin(server)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _servers in config.stash:
        config.stash[_servers].close()


def _throw_away(config: pytest.Config) -> ThrowAway:
    if _servers not in config.stash:
        config.stash[_servers] = ThrowAway()
    return config.stash[_servers]


@pytest.fixture
def attack(request: pytest.FixtureRequest, tmp_path: Path) -> Attack:
    """schemathesis: a short run that is always the same, or with `--attack-seed` a long one."""
    option = request.config.option
    return Attack(tmp_path, seed=option.attack_seed, examples=option.attack_examples)


@pytest.fixture(autouse=True, scope="session")
def _certificates() -> Iterator[None]:
    """The certificates that the system trusts are read once, and not for each client: that takes 20 ms of CPU time."""
    with patch("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context)):
        yield


@pytest.fixture(autouse=True)
def _documented() -> Iterator[None]:
    """Whatever a test is answered stands in the OpenAPI document."""
    with watched() as undocumented:
        yield
    assert undocumented == []


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> ThrowAway:
    """All of them, to stop, kill and start one by name: `postgres`, `redis`, `rabbitmq`, `mongodb`.

    A test that takes one down starts it again, also when it fails.
    """
    return _throw_away(request.config)


@pytest.fixture(scope="session")
def postgres_server(servers: ThrowAway) -> PostgresServer:
    servers.wait("postgres")
    return PostgresServer(servers.postgres.url)


@pytest.fixture(scope="session")
def redis_server(servers: ThrowAway) -> RedisServer:
    servers.wait("redis")
    return RedisServer(servers.redis.url)


@pytest.fixture(scope="session")
def mongodb_server(servers: ThrowAway) -> MongoDBServer:
    servers.wait("mongodb")
    return MongoDBServer(servers.mongodb.url)


@pytest.fixture(scope="session")
def rabbitmq_server(servers: ThrowAway) -> RabbitMQServer:
    servers.wait("rabbitmq")
    broker = servers.rabbitmq
    return RabbitMQServer(
        url=broker.url,
        management_url=broker.management_url(),
        monitor_url=broker.management_url(MONITOR_USER),
        mqtt_host=LOOPBACK,
        mqtt_port=broker.ports.mqtt,
        auth_port=broker.ports.authorisation,
    )


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Iterator[Stack]:
    """The whole platform, started once: `stack.info` is its stack.json; `kill`, `stop` and `start` one process by name.

    A test that takes a process down starts it again, also when it fails.
    """
    keeper = pytestconfig.stash[_platform] = Keeper("muster-stack-")
    try:
        platform = Stack(keeper.directory, settings=_SETTINGS, say=print)
        platform.up()
        yield platform
    finally:
        keeper.close()


@pytest.fixture
async def postgres_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """A fresh database: `postgresql://user:password@host:port/database`."""
    name = _fresh("test")
    connection = await asyncpg.connect(f"{postgres_server.url}/postgres")
    try:
        await connection.execute(f"create database {name}")
        yield f"{postgres_server.url}/{name}"
        await connection.execute(f"drop database {name} with (force)")
    finally:
        await connection.close()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """A Redis without a key."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def amqp_url(rabbitmq_server: RabbitMQServer) -> Iterator[str]:
    """A fresh virtual host, in which the services' user may do everything."""
    name = _fresh("test")
    create_vhost(rabbitmq_server.management_url, name)
    yield rabbitmq_server.url + quote(name, safe="")
    delete_vhost(rabbitmq_server.management_url, name)


@pytest.fixture
def mongodb_url(mongodb_server: MongoDBServer) -> str:
    return mongodb_server.url


@pytest.fixture
def mongodb_database(mongodb_server: MongoDBServer) -> Iterator[str]:
    """The name of a database that nothing else uses."""
    name = _fresh("test")
    yield name
    with pymongo.MongoClient[dict[str, object]](mongodb_server.url) as client:
        client.drop_database(name)


def _fresh(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex[:12]}"
