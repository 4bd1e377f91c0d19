"""docker-compose.yml and what `make up` makes of it, without an engine."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.presence.service import LISTED_WITHIN
from muster_stack.compose import Compose, ComposeFailed, engine_answers
from muster_stack.credentials import Credentials
from muster_stack.layout import REPOSITORY
from muster_stack.programs import of_this_environment
from muster_stack.rabbitmq import ADVANCED, KEEP_QUESTIONS, PLUGINS, USERS, RabbitMQ, RabbitPorts
from muster_stack.services import KINDS, SERVICES

_FILE = REPOSITORY / "docker-compose.yml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load(_FILE.read_text())["services"]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that answers, writes down what it is asked, and knows the provisioned credentials."""
    credentials = tmp_path / "provisioned.json"
    credentials.write_text(json.dumps(asdict(Credentials.generate())))
    calls = tmp_path / "calls"
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(
        "#!/bin/sh\n"
        f'echo "$MUSTER_GATEWAY_PORT $*" >>"{calls}"\n'
        f'case "$*" in *credentials.json) cat "{credentials}" ;; *" up "*) exit "${{FAIL:-0}}" ;; esac\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    return calls


def test_the_file_is_valid_by_the_compose_specification():
    command = [of_this_environment("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", _FILE]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout


@pytest.mark.skipif(
    subprocess.run("docker compose version", shell=True, check=False, capture_output=True).returncode != 0,  # noqa: S602 - a constant
    reason="without the compose plugin the schema must do",
)
def test_the_file_is_valid_by_docker_compose_itself():
    subprocess.run(["docker", "compose", "-f", _FILE, "config", "--quiet"], check=True)


def test_every_process_of_every_service_is_there(services: dict[str, Any]):
    for service in SERVICES:
        for kind in KINDS:
            module = f"{service.module}.{'app' if kind == 'api' else 'worker'}"
            assert services[f"{service.name}-{kind}"]["command"] == ["python", "-m", module]
        assert (f"{service.name}-migrate" in services) == (service.database is not None)


def test_the_processes_are_told_every_setting_that_the_example_explains(services: dict[str, Any]):
    example = (REPOSITORY / ".env.example").read_text()
    of_services = example[example.index("# --- All services") : example.index("# --- Set by the local stack")]
    explained = set(re.findall(r"^# (MUSTER_\w+)=", of_services, re.MULTILINE))
    processes = [services[f"{service.name}-{kind}"] for service in SERVICES for kind in KINDS]
    told = {name for process in processes for name in process["environment"]}
    assert explained - told == {"MUSTER_SHARES_PORTS"}


def test_up_waits_for_one_shot_services_because_a_lasting_one_depends_on_each(services: dict[str, Any]):
    lasting = [service for service in services.values() if service.get("restart") != "no"]
    waited_for = {
        name
        for service in lasting
        for name, dependency in service.get("depends_on", {}).items()
        if dependency["condition"] == "service_completed_successfully"
    }
    assert waited_for == {name for name, service in services.items() if service.get("restart") == "no"}


def test_every_lasting_service_says_when_it_is_healthy(services: dict[str, Any]):
    assert [name for name, one in services.items() if one.get("restart") != "no" and "healthcheck" not in one] == []


def test_nothing_is_published_beyond_this_machine(services: dict[str, Any]):
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_only_device_management_can_read_the_signing_key(services: dict[str, Any]):
    readers = {name for name, one in services.items() if "device-management-secrets" in str(one.get("volumes"))}
    assert readers == {
        "provision",
        "device-management-migrate",
        "device-management-api",
        "device-management-worker",
    }


def test_the_processes_that_take_in_and_sweep_firmware_share_a_volume(services: dict[str, Any]):
    sharing = {name for name, one in services.items() if "firmware:/var/lib/muster/firmware" in one.get("volumes", [])}
    assert sharing == {"ota-service-api", "ota-service-worker"}
    assert "install -d -o muster /var/lib/muster/firmware" in (REPOSITORY / "deploy" / "Dockerfile").read_text()


def test_the_broker_in_containers_has_the_plugins_of_the_local_one():
    assert (REPOSITORY / "deploy" / "rabbitmq" / "enabled_plugins").read_text() == f"[{','.join(PLUGINS)}].\n"


def test_the_broker_in_containers_is_set_as_the_local_one_but_for_places_and_room(tmp_path: Path):
    broker = RabbitMQ(tmp_path, RabbitPorts(*range(1, 8)), dict.fromkeys(USERS, "secret"))
    broker.prepare()
    local, contained = (
        dict(line.split(" = ") for line in path.read_text().splitlines() if line and not line.startswith("#"))
        for path in (tmp_path / "rabbitmq.conf", REPOSITORY / "deploy" / "rabbitmq" / "rabbitmq.conf")
    )
    others = {key for key, value in contained.items() if local.get(key) != value}
    assert others <= {
        "anonymous_login_user",  # RabbitMQ 4's name for what 3 calls mqtt.allow_anonymous
        "definitions.local.path",
        "disk_free_limit.absolute",
        *(f"auth_http.{question}_path" for question in ("user", "vhost", "resource", "topic")),
    }
    assert (REPOSITORY / "deploy" / "rabbitmq" / "advanced.config").read_text() == ADVANCED


def test_presence_allows_for_how_late_the_broker_lists_a_connection():
    configuration = (REPOSITORY / "deploy" / "rabbitmq" / "rabbitmq.conf").read_text()
    [interval] = re.findall(r"^collect_statistics_interval = (\d+)$", configuration, re.MULTILINE)
    assert timedelta(milliseconds=int(interval)) < LISTED_WITHIN


def test_the_broker_in_containers_keeps_as_many_connections_for_its_questions(services: dict[str, Any]):
    assert services["rabbitmq"]["environment"]["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] == KEEP_QUESTIONS
    assert KEEP_QUESTIONS in (REPOSITORY / "k8s" / "overlays" / "dev" / "stores.yaml").read_text()


def test_an_engine_that_does_not_answer_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not engine_answers()


def test_up_waits_for_all_and_describes_the_stack(engine: Path, tmp_path: Path):
    assert engine_answers()
    stack = Compose(tmp_path / "stack", {}, print)
    stack.up()
    info = json.loads((tmp_path / "stack" / "stack.json").read_text())
    port = info["gateway"].rpartition(":")[2]
    assert [
        line for line in engine.read_text().splitlines() if f"{port} compose" in line and "up --build --wait" in line
    ]
    provisioned = json.loads((tmp_path / "provisioned.json").read_text())
    assert info["admin"]["password"] == provisioned["admin_password"]
    assert provisioned["mongodb"] in info["mongodb"]


def test_a_server_whose_address_is_given_gets_no_container(engine: Path, tmp_path: Path):
    settings = {"MUSTER_POSTGRES_URL": "postgresql://u:p@db.example:5432"}
    Compose(tmp_path / "stack", settings, print).up()
    assert "--scale postgres=0" in engine.read_text()


def test_a_failure_of_compose_is_one_of_up(engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(ComposeFailed):
        Compose(tmp_path / "stack", {}, print).up()
    assert shutil.which("docker") == str(tmp_path / "bin" / "docker")
    assert not (tmp_path / "stack" / "stack.json").exists()
