"""NAME=VALUE, as arguments and options are given."""

import json
from collections.abc import Sequence
from typing import Any

from muster_cli.errors import BadUsage


def texts(given: Sequence[str] | None) -> dict[str, str]:
    """Values as they are. Raises BadUsage."""
    return dict(_pair(text) for text in given or [])


def values(given: Sequence[str] | None) -> dict[str, Any]:
    """`mode=fast` is text, `slots=4` a number: what reads as JSON is JSON. Raises BadUsage."""
    return {name: _value(text) for name, text in texts(given).items()}


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise BadUsage(f'"{text}" is not NAME=VALUE', "write it like site=hamburg")
    return name, value


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)  # NaN is none of JSON's words, and 1e999 is no number in it.
    except (ValueError, RecursionError):
        return text
    return value
