"""The image: its Dockerfile, what is sent to build it, and how its processes get their settings."""

import subprocess
from pathlib import Path

from muster_stack.layout import REPOSITORY
from muster_stack.programs import of_this_environment
from muster_stack.provision import provision

_ENTRYPOINT = REPOSITORY / "deploy" / "image" / "entrypoint.sh"


def test_the_dockerfile_passes_the_linter():
    command = [of_this_environment("hadolint"), REPOSITORY / "deploy" / "Dockerfile"]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout


def test_what_the_dockerfile_copies_is_in_the_repository_and_sent_to_the_builder():
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text()
    copied = [line.split()[1] for line in dockerfile.splitlines() if line.startswith("COPY ") and "--from" not in line]
    sent = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied
    for path in copied:
        assert (REPOSITORY / path).exists()
        assert any(Path(path).is_relative_to(known) for known in sent)


def test_the_image_takes_nothing_but_pinned_packages_and_no_development_tool():
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text()
    assert "--require-hashes" in dockerfile
    assert "--constraint requirements.lock" in dockerfile
    assert "secantusdb" not in (REPOSITORY / "deploy" / "local" / "pyproject.toml").read_text()


def test_a_process_reads_the_provisioned_settings(tmp_path: Path):
    credentials = provision(tmp_path, {"MUSTER_ADMIN_PASSWORD": 'it\'s $HOME and "more"'})
    said = _environment_of_a_process(tmp_path / "device-management" / "settings.env")
    assert said["MUSTER_ADMIN_PASSWORD"] == 'it\'s $HOME and "more"'
    assert said["MUSTER_POSTGRES_URL"] == f"postgresql://muster:{credentials.postgres}@postgres:5432"


def test_what_the_environment_says_wins_over_the_provisioned_settings(tmp_path: Path):
    provision(tmp_path, {})
    file = tmp_path / "monitoring" / "settings.env"
    given = _environment_of_a_process(file, MUSTER_MONGODB_URL="mongodb://given:27017", MUSTER_AMQP_URL="")
    assert given["MUSTER_MONGODB_URL"] == "mongodb://given:27017"
    assert given["MUSTER_AMQP_URL"].startswith("amqp://muster:")


def test_provisioning_again_changes_nothing(tmp_path: Path):
    first = provision(tmp_path, {})
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert provision(tmp_path, {}) == first
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_only_device_management_gets_the_signing_key_and_the_administrator(tmp_path: Path):
    credentials = provision(tmp_path, {})
    for service, own in {"ota-service": {"manifest-signing-1.pem"}, "monitoring": set[str]()}.items():
        files = {path.name: path.read_text() for path in (tmp_path / service).iterdir()}
        assert set(files) == {"settings.env", "token-keys.json"} | own
        assert credentials.admin_password not in files["settings.env"]
        assert credentials.broker["muster-admin"] not in files["settings.env"]


def _environment_of_a_process(file: Path, **environment: str) -> dict[str, str]:
    finished = subprocess.run(
        ["sh", _ENTRYPOINT, "env", "-0"],
        env={"PATH": "/usr/bin:/bin", "MUSTER_SETTINGS_FILE": str(file), **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(pair.split("=", 1) for pair in finished.stdout.split("\0") if pair)
