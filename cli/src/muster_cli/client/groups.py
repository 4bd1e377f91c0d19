"""Groups of devices: fixed ones, and those whose members a query finds."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from pydantic import BaseModel

from muster_cli import problems
from muster_cli.client.devices import Device
from muster_cli.client.rest import Rest
from muster_cli.errors import Refused

_GROUPS = "/api/v2/groups"


class Group(BaseModel):
    """`members` counts those of a fixed group; a group with `rql` has as many as that finds."""

    id: int
    name: str
    description: str | None = None
    kind: str
    rql: str | None = None
    members: int | None = None
    version: int
    created_at: datetime
    updated_at: datetime


class MembersChanged(BaseModel):
    """How many devices came or left, and how many are in the group now."""

    changed: int
    members: int


class GroupClient(Rest):
    def groups(self, *, limit: int | None = None) -> AsyncIterator[Group]:
        """The organization's groups, oldest first; at most `limit`."""
        return self._items(Group, _GROUPS, {}, limit=limit)

    async def find_group(self, reference: str) -> Group:
        """By its id, or by its name."""
        if reference.isdecimal():
            return await self._call(Group, "GET", f"{_GROUPS}/{reference}")
        async for group in self.groups():
            if group.name == reference:
                return group
        code = "group_not_found"
        raise Refused(404, code, f'there is no group "{reference}"', problems.next_step(code, 404))

    async def create_group(self, name: str, *, description: str | None = None, rql: str | None = None) -> Group:
        """A group of what a query finds at any time, or without one a fixed group, as yet empty."""
        given = {"name": name, "description": description, "rql": rql}
        body = {member: value for member, value in given.items() if value is not None}
        return await self._call(Group, "POST", _GROUPS, json=body)

    async def delete_group(self, group_id: int) -> None:
        """Its devices stay."""
        await self._send("DELETE", f"{_GROUPS}/{group_id}")

    def members(self, group_id: int, *, limit: int | None = None) -> AsyncIterator[Device]:
        """Oldest first; at most `limit`."""
        return self._items(Device, f"{_GROUPS}/{group_id}/members", {}, limit=limit)

    async def add_members(self, group_id: int, devices: Sequence[str]) -> MembersChanged:
        """Devices by uid or id, all of them or none."""
        return await self._call(MembersChanged, "POST", f"{_GROUPS}/{group_id}/members", json={"devices": devices})

    async def remove_members(self, group_id: int, devices: Sequence[str]) -> MembersChanged:
        path = f"{_GROUPS}/{group_id}/members/remove"
        return await self._call(MembersChanged, "POST", path, json={"devices": devices})
