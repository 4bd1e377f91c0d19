"""The same thing is called by the same word in every group of commands."""

from collections.abc import Callable, Iterator
from typing import Any

import typer
from click.testing import Result

from muster_cli.main import app


def inside(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The visible commands of the groups, each with the words that lead to it."""
    for name, one in getattr(command, "commands", {}).items():
        if path and not one.hidden:
            yield (*path, name), one
        yield from inside(one, (*path, name))


def test_one_thing_is_read_by_the_same_word_in_every_group():
    commands = inside(typer.main.get_command(app))
    readers = [path for path, command in commands if str(command.help).startswith("Read one ")]
    assert len(readers) > 8
    assert {path[-1] for path in readers} == {"show"}


def test_the_word_of_older_scripts_still_reads_a_device(muster: Callable[..., Result]):
    muster("devices", "register", "pump-7")
    assert "Device UID: pump-7\n" in muster("devices", "show", "pump-7").stdout
    assert muster("devices", "get", "pump-7").stdout == muster("devices", "show", "pump-7").stdout
    assert " get " not in muster("devices", "--help").stdout
