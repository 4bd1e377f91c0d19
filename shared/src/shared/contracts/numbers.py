"""How great a number is. Ours hold whole numbers of thousands of digits; of most that read JSON a double is all."""

from typing import Any, cast

_BITS = 1_024
"""Of 1.8e308, where doubles end."""


def beyond_doubles(value: Any) -> bool:
    """Whether a whole number in lists and objects is beyond what a double holds; told without recursion."""
    waiting: list[Any] = [value]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, dict):
            waiting.extend(cast("dict[str, Any]", entry).values())
        elif isinstance(entry, list):
            waiting.extend(cast("list[Any]", entry))
        elif isinstance(entry, int) and entry.bit_length() > _BITS:
            return True
    return False
