"""How deep JSON is nested. What reads it goes down thousands of levels; what writes it, a few hundred."""

from typing import Any, cast


def deeper_than(value: Any, levels: int) -> bool:
    """Whether lists and objects stand in each other more than `levels` deep; told without recursion."""
    level: list[Any] = [value]
    for _ in range(levels + 1):
        inner: list[Any] = []
        for entry in level:
            if isinstance(entry, dict):
                inner.extend(cast("dict[str, Any]", entry).values())
            elif isinstance(entry, list):
                inner.extend(cast("list[Any]", entry))
        if not inner:
            return False
        level = inner
    return True
