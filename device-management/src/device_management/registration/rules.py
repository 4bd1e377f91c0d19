"""Policy about registration, pure: which uids there may be, and where a device's life begins."""

import re
from typing import Final

from device_management.devices.states import Lifecycle, Status

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
