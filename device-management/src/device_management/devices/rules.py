"""Policy about devices, pure: which uids there may be, and which status is shown."""

import re

from device_management.devices.states import Lifecycle, Status

RESERVED_UIDS = frozenset(
    {"batch", "deployed", "export", "guest", "import", "in_stock", "muster", "muster-admin", "muster-monitor", "search"}
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


def shown_status(*, lifecycle: str, online: bool | None, reported: str) -> Status:
    """Maintenance while the lifecycle says so, else offline while it is not connected, else what it does."""
    if lifecycle == Lifecycle.MAINTENANCE:
        return Status.MAINTENANCE
    if not online:
        return Status.OFFLINE
    return Status(reported)
