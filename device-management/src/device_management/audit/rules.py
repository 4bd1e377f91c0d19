"""What of a change is written down, pure: the members that differ, and no secret."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

BLANK = "***"
_SECRET_WORDS = ("password", "token", "secret", "authorization", "private_key", "api_key")

_MISSING = object()

State = Mapping[str, Any]


def difference(before: State | None, after: State | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Both states cut to the members that differ; whole where there is no other side. Secrets are blank.

    They are compared as they are, so that a changed secret is seen to have changed.
    """
    if before is None or after is None:
        return (without_secrets(before) if before is not None else None), (
            without_secrets(after) if after is not None else None
        )
    names = [name for name in {**before, **after} if before.get(name, _MISSING) != after.get(name, _MISSING)]
    return (
        without_secrets({name: before[name] for name in names if name in before}),
        without_secrets({name: after[name] for name in names if name in after}),
    )


def without_secrets(state: State) -> dict[str, Any]:
    """The same with every value blanked whose name, at any depth, sounds like a secret's."""
    return {
        name: (BLANK if _is_secret(name) else value) if isinstance(value, str) else _inside(value)
        for name, value in state.items()
    }


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return without_secrets(cast("State", value))
    if isinstance(value, list):
        return [_inside(item) for item in cast("list[Any]", value)]
    return value


@lru_cache(maxsize=10_000)
def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)
