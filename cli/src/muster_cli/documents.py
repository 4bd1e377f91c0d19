"""Files that people write for the platform, as YAML or JSON."""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import yaml

from muster_cli.errors import BadUsage, Refused


class _Loader(yaml.SafeLoader):
    """YAML in which 22:00 is a text, as in its version 1.2: neither a number to the base of sixty nor a date."""


_INTEGER = ("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"))
_Loader.yaml_implicit_resolvers = {
    first: [
        *([_INTEGER] if first in set("-+0123456789") else []),
        *(one for one in resolvers if not one[0].endswith((":timestamp", ":int"))),
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(file: Path) -> dict[str, Any]:
    """What the file says; whether it is right is for the platform to say. Raises BadUsage."""
    try:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - derives from SafeLoader
    except OSError as error:
        raise BadUsage(f"{file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadUsage(f"{file} is no YAML: {error}") from None
    if not isinstance(document, dict):
        raise BadUsage(f"{file} is no document of members", "write it like `name: ...`")
    return cast("dict[str, Any]", document)


@contextmanager
def read_as(file: Path) -> Generator[None]:
    """Within, what the platform refuses of the file's document is told with the line."""
    try:
        yield
    except Refused as refused:
        line = _line_of(file, refused.place)
        raise refused if line is None else refused.within(f"{file} line {line}") from None


def _line_of(file: Path, path: Sequence[str]) -> int | None:
    """Where the deepest member of `path` that the file has stands, counted from 1."""
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return None
    line: int | None = None
    for name in path:
        found = _member(node, name)
        if found is None:
            break
        line, node = found
    return line


def _member(node: yaml.Node | None, name: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == name:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and name.isdecimal() and int(name) < len(node.value):
        value = node.value[int(name)]
        return value.start_mark.line + 1, value
    return None
