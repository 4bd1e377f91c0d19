"""The words of what people may do: every scope there is, and the roles that every organization has."""

from collections.abc import Iterable, Mapping
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

ADMINISTRATOR: Final = "organization:admin"
PLATFORM: Final = "platform:admin"

BUILT_IN: Final = {
    "viewer": _READ,
    "operator": _OPERATE,
    "administrator": _OPERATE | {"updates:approve", ADMINISTRATOR},
    "platform": frozenset(SCOPES),
}
"""Nobody changes these. A person's scopes are those of all their roles, and those they have beside."""

Granted = Mapping[str, frozenset[str]]
"""What roles grant, by their names: the built-in ones and an organization's own."""


def scopes_of(roles: Iterable[str], beside: Iterable[str], granted: Granted) -> frozenset[str]:
    """All scopes of these roles, and those beside them. A role that is no more counts for nothing."""
    return frozenset(beside).union(*(granted.get(role, frozenset[str]()) for role in roles))


def beyond(wanted: Iterable[str], held: Iterable[str]) -> list[str]:
    """What may not be granted, for nobody grants what they do not hold themselves; sorted."""
    return sorted(set(wanted) - set(held))
