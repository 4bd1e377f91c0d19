"""The words of what people may do: every scope there is, and the roles that bundle them."""

from collections.abc import Iterable
from typing import Final

SCOPES: Final = (
    "devices:read",
    "devices:write",
    "updates:read",
    "updates:write",
    "updates:approve",
    "telemetry:read",
    "alerts:write",
    "organization:admin",
    "platform:admin",
)

_READ: Final = frozenset({"devices:read", "updates:read", "telemetry:read"})
_OPERATE: Final = _READ | {"devices:write", "updates:write", "alerts:write"}

ROLES: Final = {
    "viewer": _READ,
    "operator": _OPERATE,
    "administrator": _OPERATE | {"updates:approve", "organization:admin"},
    "platform": frozenset(SCOPES),
}
"""A person's scopes are those of all their roles, and those they have beside."""


def scopes_of(roles: Iterable[str], beside: Iterable[str]) -> frozenset[str]:
    """All scopes of these roles, and those beside them. A role that is no more counts for nothing."""
    return frozenset(beside).union(*(ROLES.get(role, frozenset[str]()) for role in roles))


def beyond(wanted: Iterable[str], held: Iterable[str]) -> list[str]:
    """What may not be granted, for nobody grants what they do not hold themselves; sorted."""
    return sorted(set(wanted) - set(held))
