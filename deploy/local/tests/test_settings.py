"""What is said from outside: the environment, the file below it, and what follows from explicit addresses."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from muster_stack.addresses import explicit_servers, resolve
from muster_stack.allocation import PORTS
from muster_stack.credentials import Credentials
from muster_stack.layout import REPOSITORY, Layout
from muster_stack.ports import Ports
from muster_stack.servers import wire
from muster_stack.services import SERVICES
from muster_stack.settings import read_settings

_BROKER = {
    "MUSTER_AMQP_URL": "amqp://u:p@broker.example:5672/",
    "MUSTER_BROKER_MANAGEMENT_URL": "http://u:p@broker.example:15672",
}


@pytest.fixture
def ports(tmp_path: Path) -> Ports:
    ports = Ports(tmp_path / "ports.json")
    for port in PORTS:
        ports.reserve(port.name)
    return ports


def test_the_example_explains_every_setting_there_is():
    example = (REPOSITORY / ".env.example").read_text()
    explained = set(re.findall(r"^# MUSTER_(\w+)=", example, re.MULTILINE))
    for service in SERVICES:
        settings = import_module(f"{service.module}.settings").Settings
        assert {name.upper() for name in settings.model_fields} - explained == set(), service.name


def test_the_environment_wins_over_the_file(tmp_path: Path):
    (tmp_path / ".env").write_text("MUSTER_LOG_LEVEL=DEBUG\nMUSTER_DRAIN_SECONDS=3\nOTHER=1\n")
    settings = read_settings({"MUSTER_LOG_LEVEL": "ERROR", "PATH": "/bin"}, tmp_path / ".env")
    assert settings == {"MUSTER_LOG_LEVEL": "ERROR", "MUSTER_DRAIN_SECONDS": "3"}


def test_an_empty_setting_is_one_that_was_not_given(tmp_path: Path):
    assert read_settings({"MUSTER_AMQP_URL": ""}, tmp_path / ".env") == {}


@pytest.mark.parametrize(
    ("setting", "server", "url"),
    [
        ("MUSTER_POSTGRES_URL", "postgres", "postgresql://u:p@db.example:5432"),
        ("MUSTER_REDIS_URL", "redis", "redis://cache.example:6379/0"),
        ("MUSTER_MONGODB_URL", "mongodb", "mongodb://documents.example:27017"),
    ],
)
def test_an_explicit_address_wins_and_its_server_is_not_started(
    tmp_path: Path, ports: Ports, setting: str, server: str, url: str
):
    servers = wire(Layout(tmp_path), ports, Credentials.generate(), {setting: url})
    assert set(servers.stores) == {"postgres", "redis", "mongodb", "rabbitmq"} - {server}
    assert getattr(servers.addresses, server) == url
    assert {process.settings[setting] for process in servers.services} == {url}


def test_an_explicit_broker_is_used_with_its_management_and_its_mqtt(ports: Ports):
    addresses = resolve(ports, Credentials.generate(), _BROKER)
    assert explicit_servers(_BROKER) == {"rabbitmq"}
    assert addresses.amqp == _BROKER["MUSTER_AMQP_URL"]
    assert addresses.broker_admin == addresses.broker_monitor == _BROKER["MUSTER_BROKER_MANAGEMENT_URL"]
    assert addresses.mqtt == "broker.example:1883"


def test_an_explicit_broker_without_its_management_is_refused(ports: Ports):
    with pytest.raises(ValueError, match="MUSTER_BROKER_MANAGEMENT_URL"):
        resolve(ports, Credentials.generate(), {"MUSTER_AMQP_URL": "amqp://broker.example/"})


def test_passwords_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path):
    path = tmp_path / "credentials.json"
    first = Credentials.keep(path, {})
    assert Credentials.keep(path, {}) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert Credentials.generate().admin_password != first.admin_password


def test_a_given_administrator_wins_over_the_generated_one(tmp_path: Path):
    given = {"MUSTER_ADMIN_EMAIL": "ada@example.org", "MUSTER_ADMIN_PASSWORD": "correct horse"}
    credentials = Credentials.keep(tmp_path / "credentials.json", given)
    assert (credentials.admin_email, credentials.admin_password) == ("ada@example.org", "correct horse")


def test_a_monitoring_user_never_gets_an_administrator_of_the_broker(tmp_path: Path, ports: Ports):
    credentials = Credentials.generate()
    servers = wire(Layout(tmp_path), ports, credentials, {})
    for process in servers.services:
        said = "".join(process.settings.values())
        assert (credentials.broker["muster-admin"] in said) == (process.service.name == "device-management")
        assert (credentials.admin_password in said) == (process.service.name == "device-management")
