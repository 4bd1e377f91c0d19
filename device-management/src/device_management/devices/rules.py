"""Policy about devices, pure: which uids there may be, and which status is shown."""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from device_management.devices.states import TRANSITIONS, Lifecycle, Status

RESERVED_UIDS: Final = frozenset(
    {
        "batch",
        "deployed",
        "export",
        "guest",
        "import",
        "in_stock",
        "muster",
        "muster-admin",
        "muster-monitor",
        "resync",
        "search",
    }
)
"""Words in paths, and the broker's own users: a device of that name would be unreachable, or somebody else."""

_UID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def uid_problem(uid: str) -> str | None:
    """Why this may not be a device's uid, or None. A uid is a topic, a login and a part of paths."""
    if not _UID.fullmatch(uid):
        return "a uid is 1 to 64 of the characters A-Z a-z 0-9 _ -"
    if uid.isdigit():
        return "a uid of digits only would be taken for an id"
    if uid.lower() in RESERVED_UIDS:
        return "this uid is a reserved word"
    return None


def first_states(status: Lifecycle | Status) -> tuple[Lifecycle, Status]:
    """Where a device's life begins, and what it reports until it speaks for itself."""
    if isinstance(status, Lifecycle):
        return status, Status.IDLE
    return Lifecycle.IN_STOCK, status


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
