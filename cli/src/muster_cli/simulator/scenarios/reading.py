"""A scenario's file, or one of those that come with the command. What is wrong in it is told with its place."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError

from muster_cli.errors import BadUsage
from muster_cli.simulator.scenarios.document import Scenario

_LIBRARY = files("muster_cli.simulator.scenarios") / "library"
_SUFFIX = ".yaml"
_MOST_TOLD = 3
_TAGS = frozenset({"sine", "walk", "step", "constant", "choice", "counter"})
_WORDS = {"missing": "is missing", "extra_forbidden": "is not known here"}
_ENDS = frozenset({"low", "high"})


def shipped() -> list[str]:
    """The names of the scenarios that come with the command."""
    return sorted(file.name.removesuffix(_SUFFIX) for file in _LIBRARY.iterdir() if file.name.endswith(_SUFFIX))


def read(name: str) -> Scenario:
    """From the file of that name, else the shipped scenario. Raises BadUsage."""
    path = Path(name)
    try:
        if not path.suffix and not path.exists() and name in shipped():
            return parse((_LIBRARY / f"{name}{_SUFFIX}").read_text(), name)
        return parse(path.read_text(), name)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        next_step = f"name a file, or one of {', '.join(shipped())}"
        raise BadUsage(f"{name} cannot be read: {reason}", next_step) from None


def parse(text: str, name: str) -> Scenario:
    """Raises BadUsage: the first mistakes, each with its path and its line."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadUsage(f"{name}{line}: {error.problem or error.context or 'this is no YAML'}") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise BadUsage(f"{name} is no YAML") from None
    if not isinstance(document, dict):
        raise BadUsage(f"{name} is no scenario", "see docs/architecture/simulated-devices.md for what it holds")
    try:
        return Scenario.model_validate(document)
    except ValidationError as refused:
        mistakes = refused.errors(include_url=False)
        told = "; ".join(_told(root, one["loc"], _WORDS.get(one["type"], one["msg"])) for one in mistakes[:_MOST_TOLD])
        more = f"; and {len(mistakes) - _MOST_TOLD} more" if len(mistakes) > _MOST_TOLD else ""
        raise BadUsage(f"{name}: {told}{more}") from None


def _told(root: yaml.Node | None, location: Sequence[str | int], message: str) -> str:
    place = [part for part in location if part not in _TAGS or part == location[0]]
    path, node = "", root
    for part in place:
        found = _below(node, part)
        if found is None and part in _ENDS:
            break
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        node = found or node
    line = f" (line {node.start_mark.line + 1})" if node else ""
    text = message.removeprefix("Value error, ")
    return f"{path}{line}: {text}" if path else text


def _below(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None
