"""The `muster-stack` command says what is the matter in a sentence."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from muster_stack import main, stack
from muster_stack.programs import MissingPrograms, Program
from shared.manifests import create_manifest_keys

_RUN = CliRunner()


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "engine_answers", lambda: False)


def test_the_status_of_a_stack_that_was_never_up_says_how_to_make_one(tmp_path: Path):
    result = _RUN.invoke(main.app, ["status", "--stack", str(tmp_path / "none")])
    assert result.exit_code == 0
    assert "`make up` makes one" in result.stdout


def test_down_without_anything_to_end_says_so(tmp_path: Path):
    result = _RUN.invoke(main.app, ["down", "--stack", str(tmp_path)])
    assert result.exit_code == 0
    assert "nothing was running" in result.stdout


def test_the_log_of_an_unknown_service_is_a_sentence_and_an_error(tmp_path: Path):
    result = _RUN.invoke(main.app, ["logs", "--stack", str(tmp_path), "--service", "nobody"])
    assert result.exit_code == 1
    assert "no log of nobody" in result.stderr


def test_a_missing_program_is_a_sentence_with_its_remedy_and_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_arguments: object) -> None:
        raise MissingPrograms((Program("rabbitmq-server", "rabbitmq-server"),))

    monkeypatch.setattr(stack, "install_missing", refuse)
    result = _RUN.invoke(main.app, ["up", "--stack", str(tmp_path)])
    assert result.exit_code == 1
    assert "not installed: rabbitmq-server" in result.stderr
    assert "apt-get install --no-install-recommends -y rabbitmq-server" in result.stderr


def test_clean_removes_the_directory_of_the_stack_and_nothing_else(tmp_path: Path):
    (tmp_path / "stack" / "data").mkdir(parents=True)
    (tmp_path / "stack" / "ports.json").write_text("{}")
    (tmp_path / "other").touch()
    assert _RUN.invoke(main.app, ["clean", "--stack", str(tmp_path / "stack")]).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_clean_removes_no_directory_that_is_not_a_stacks(tmp_path: Path):
    (tmp_path / "precious").touch()
    assert _RUN.invoke(main.app, ["clean", "--stack", str(tmp_path)]).exit_code == 1
    assert (tmp_path / "precious").exists()


def test_a_new_key_for_manifests_comes_after_the_old_one(tmp_path: Path):
    refused = _RUN.invoke(main.app, ["add-manifest-key", str(tmp_path)])
    assert refused.exit_code == 1
    create_manifest_keys(tmp_path)
    assert _RUN.invoke(main.app, ["add-manifest-key", str(tmp_path)]).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest-signing-1.pem", "manifest-signing-2.pem"]


def test_a_service_without_a_database_has_nothing_to_migrate():
    result = _RUN.invoke(main.app, ["migrate", "monitoring"])
    assert result.exit_code == 1
    assert "monitoring has no database" in result.stderr
