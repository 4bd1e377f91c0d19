"""What a command prints: tables on a terminal, plain lines that grep and awk can take elsewhere, or JSON."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table
from rich.text import Text

_json = TypeAdapter[Any](Any)


class Output:
    """Results go to standard output; errors and progress to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._console = Console()

    def record(self, fields: Mapping[str, object], *, data: object) -> None:
        """One thing: `Label: value` lines, or `data` as JSON."""
        if self.as_json:
            self._write_json(data)
            return
        for label, value in fields.items():
            sys.stdout.write(f"{label}: {one_line(value)}\n")

    def rows(self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, data: object) -> None:
        """Many things: a table, or one line each with tabs between the columns and no heading, or `data` as JSON."""
        if self.as_json:
            self._write_json(data)
        elif self._console.is_terminal:
            table = Table(*columns, box=None, pad_edge=False, header_style="bold")
            for row in rows:
                table.add_row(*[Text(one_line(value)) for value in row])
            self._console.print(table)
        else:
            sys.stdout.writelines("\t".join(one_line(value) for value in row) + "\n" for row in rows)

    def plain(self, text: str) -> None:
        """One line at once, of what goes on."""
        sys.stdout.write(f"{one_line(text)}\n")
        sys.stdout.flush()

    def line(self, data: object) -> None:
        """One document of what goes on, on one line."""
        sys.stdout.write(_json.dump_json(data).decode() + "\n")
        sys.stdout.flush()

    def _write_json(self, data: object) -> None:
        sys.stdout.write(_json.dump_json(data, indent=2).decode() + "\n")


class Work(Protocol):
    """What a device carries out. `progress` is in per cent."""

    @property
    def state(self) -> str: ...
    @property
    def error(self) -> str | None: ...
    @property
    def progress(self) -> int | None: ...
    @property
    def is_over(self) -> bool: ...


def standing(work: Work) -> str:
    """Its state, with why it failed, or how far it is."""
    if work.error:
        return f"{work.state}, {work.error}"
    if work.progress is not None and not work.is_over:
        return f"{work.state} {work.progress}%"
    return work.state


def when(at: datetime | None) -> str | None:
    """A time for people, to the second, in UTC."""
    return None if at is None else at.isoformat(timespec="seconds")


def one_line(value: object) -> str:
    """`value` on one line without control characters: a device's name is somebody else's text."""
    if value is None or value == "":
        return "-"
    return "".join(character if character.isprintable() else " " for character in str(value))
