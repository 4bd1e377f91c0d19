"""What docs/architecture/command-line.md promises."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result

from muster_cli.main import app, loaded

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture" / "command-line.md"
WORDS: Any = typer.main.get_command(app)
WORDS.commands = {name: loaded(name) for name in WORDS.commands}


async def test_the_program_runs_as_it_is_written(platform: Any):
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - our own document
    for _ in range(2):
        found = await names["enrol"](platform.server, "admin@muster.example", "correct horse")
        assert found == ["pump-1", "pump-2"]


def every(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    below = [each for name, one in getattr(command, "commands", {}).items() for each in every(one, (*path, name))]
    return [(path, command), *below]


@pytest.mark.parametrize(("path", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in every(WORDS)[1:]])
def test_every_word_and_every_option_is_explained(path: tuple[str, ...], command: Any):
    assert command.help, path
    assert [one.name for one in command.params if not one.hidden and not getattr(one, "help", None)] == []


def told() -> set[str]:
    """Every command that an error, a help text or a document names."""
    root = DOCUMENT.parents[2]
    files = [*(root / "cli" / "src").rglob("*.py"), *(root / "docs").rglob("*.md"), root / "README.md"]
    return {one for file in files for one in re.findall(r"`(?:\.venv/bin/)?muster ([^`]+)`", file.read_text())}


def test_every_command_that_is_named_somewhere_is_there():
    assert len(told()) > 20
    assert {one for one in told() if not is_there(one.split())} == set()


def is_there(words: list[str]) -> bool:
    """Whether the words lead to a command that has all these options; words in capitals stand for any."""
    command, options = WORDS, {"--help", "--json"}
    for word in words:
        options |= {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        below = getattr(command, "commands", None)
        if word.startswith("-") and word not in options:
            return False
        if below and word in below:
            command = below[word]
        elif below and word[0].islower():
            return False
    return True


def test_a_shell_completes_groups_and_options(muster: Callable[..., Result], monkeypatch: pytest.MonkeyPatch):
    def completed(line: str, at: int) -> str:
        monkeypatch.setenv("_MUSTER_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(at))
        return muster().stdout

    assert {"telemetry", "config"} <= set(completed("muster ", 1).split())
    assert "silence" in completed("muster alerts rules s", 3)
    assert "--unacknowledged" in completed("muster alerts list --u", 3)
