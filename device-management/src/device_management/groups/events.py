"""From a group's row to the events about it, and to what the audit log keeps. Pure."""

from typing import Any, TypeVar

from device_management.groups.models import Group
from shared.contracts.groups import GroupState

E = TypeVar("E", bound=GroupState)


def state_event(kind: type[E], group: Group) -> E:
    """An event of `kind` with the group's whole public state."""
    assert group.id is not None  # noqa: S101 - it comes from the database
    return kind(
        organization_id=group.organization_id,
        version=group.version,
        group_id=group.id,
        name=group.name,
        description=group.description,
        kind=group.kind,
        rql=group.rql,
        created_at=group.created_at,
        updated_at=group.updated_at,
    )


def audited(group: Group) -> dict[str, Any]:
    return {"name": group.name, "description": group.description, "rql": group.rql}
