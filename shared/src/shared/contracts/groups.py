"""Events about groups of devices, published by device-management.

They tell of the group, not of its members: a device's own state names the fixed groups that it is in.
"""

from datetime import datetime
from typing import ClassVar

from shared.contracts.envelope import EventData


class GroupState(EventData):
    """The whole public state of a group. `kind` is `fixed` or `query`; `rql` is a query group's."""

    type: ClassVar[str]

    group_id: int
    name: str
    description: str | None = None
    kind: str
    rql: str | None = None
    created_at: datetime
    updated_at: datetime

    def subject(self) -> str:
        return f"group/{self.group_id}"


class GroupCreated(GroupState):
    type = "group.created.v1"


class GroupChanged(GroupState):
    type = "group.changed.v1"


class GroupDeleted(GroupState):
    """The last of a group; its version is greater than any before."""

    type = "group.deleted.v1"


class GroupSnapshot(GroupState):
    """Not a change: the present state, sent again so that a copy can be rebuilt."""

    type = "group.snapshot.v1"
