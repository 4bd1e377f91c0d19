"""Policy about devices, pure: where they may go in their life, and how an edit is merged."""

from collections.abc import Mapping
from typing import Any, cast

from device_management.devices.states import TRANSITIONS, Lifecycle


def may_move(present: str, to: Lifecycle) -> bool:
    return to in TRANSITIONS[Lifecycle(present)]


def merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """`target` after a JSON merge patch (RFC 7396): null removes a member, objects merge, all else replaces."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            inner = result.get(name)
            within = cast("Mapping[str, Any]", inner) if isinstance(inner, Mapping) else dict[str, Any]()
            result[name] = merged(within, cast("Mapping[str, Any]", value))
        else:
            result[name] = value
    return result
