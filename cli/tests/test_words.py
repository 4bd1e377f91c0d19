"""The same thing is called by the same word in every group of commands, and a word costs what it needs."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest
from click.testing import Result

from muster_cli.main import WORDS, loaded


def inside(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The visible commands of a group, each with the words that lead to it."""
    for name, one in getattr(command, "commands", {}).items():
        if not one.hidden:
            yield (*path, name), one
        yield from inside(one, (*path, name))


def test_one_thing_is_read_by_the_same_word_in_every_group():
    commands = chain.from_iterable(inside(loaded(name), (name,)) for name in WORDS)
    readers = [path for path, command in commands if str(command.help).startswith("Read one ")]
    assert len(readers) > 8
    assert {path[-1] for path in readers} == {"show"}


def test_the_word_of_older_scripts_still_reads_a_device(muster: Callable[..., Result]):
    muster("devices", "register", "pump-7")
    assert "Device UID: pump-7\n" in muster("devices", "show", "pump-7").stdout
    assert muster("devices", "get", "pump-7").stdout == muster("devices", "show", "pump-7").stdout
    assert " get " not in muster("devices", "--help").stdout


@pytest.mark.parametrize("name", WORDS)
def test_the_list_of_words_says_of_each_what_its_own_help_begins_with(name: str):
    assert " ".join(str(loaded(name).help).split("\n\n")[0].split()) == WORDS[name].help


def test_no_word_loads_what_another_one_needs():
    program = (
        "import sys; from muster_cli.main import loaded; "
        "print({'pydantic', 'httpx'} & set(sys.modules)); loaded('devices'); "
        "print({'socketio', 'grpc', 'aiormq', 'yaml', 'plotille'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\nset()\n"
