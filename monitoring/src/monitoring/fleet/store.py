"""Every query about the copy of the fleet: one document a device or group, its uid or id the `_id`.

`fleet_revisions` counts, for each organization, how often any of them were written: who searches the copy again and
again need not while the count stays.
"""

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from pymongo import UpdateOne

from monitoring.fleet.models import Device, Group
from shared.contracts.devices import PURGED
from shared.mongo.bulk import put_newer
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import by_ids, by_values

_PAGE = 500
_JSON = ("attributes", "reported_attributes")
"""Kept as text: what people put there, numbers of any size for one, need not be BSON."""

_MEMBERS = tuple(member.name for member in fields(Device) if member.name != "uid")


class FleetStore:
    def __init__(self, database: Database) -> None:
        self._devices = database["devices"]
        self._groups = database["groups"]
        self._revisions = database["fleet_revisions"]

    async def prepare(self) -> None:
        """Makes the indexes: an organization's devices by uid, and its fixed groups' members. Raises StoreAway."""
        with store_errors():
            await self._devices.create_index([("organization_id", 1), ("_id", 1)], name="organization")
            await self._devices.create_index([("group_ids", 1), ("_id", 1)], name="group")

    async def find(self, uid: str) -> Device | None:
        with store_errors():
            document = await self._devices.find_one({"_id": uid})
        return None if document is None else _device(document)

    async def find_all(self, uids: Sequence[str]) -> list[Device]:
        return [_device(document) for document in await by_ids(self._devices, uids)]

    async def organizations(self, uids: Sequence[str]) -> dict[str, int]:
        found = await by_ids(self._devices, uids, ["organization_id"])
        return {document["_id"]: document["organization_id"] for document in found}

    async def lifecycles(self, uids: Sequence[str]) -> dict[str, str]:
        found = await by_ids(self._devices, uids, ["lifecycle"])
        return {document["_id"]: document["lifecycle"] for document in found}

    async def present(self, organization_id: int, uids: Sequence[str]) -> set[str]:
        """Those of these uids that are the organization's, without purged devices."""
        standing = {"organization_id": organization_id, "lifecycle": {"$ne": PURGED}}
        return {one["_id"] for one in await by_values(self._devices, "_id", uids, also=standing, fields=["_id"])}

    async def uids(self, organization_id: int, *, after: str, limit: int | None = None) -> list[str]:
        """The organization's uids in order, beginning behind `after`, without purged devices."""
        query: Document = {"organization_id": organization_id, "_id": {"$gt": after}, "lifecycle": {"$ne": PURGED}}
        with store_errors():
            found = await self._devices.find(query, {"_id": 1}).sort("_id", 1).limit(limit or 0).to_list(limit)
        return [document["_id"] for document in found]

    async def members(self, organization_id: int, group_id: int) -> list[str]:
        """The uids of the devices in a fixed group, in order, without purged devices."""
        query = {"group_ids": group_id, "organization_id": organization_id, "lifecycle": {"$ne": PURGED}}
        with store_errors():
            found = await self._devices.find(query, {"_id": 1}).to_list(None)
        return sorted(document["_id"] for document in found)

    async def devices(self, organization_id: int) -> AsyncIterator[list[Device]]:
        """The organization's devices by uid, purged ones included, some hundreds at a time."""
        cursor = self._devices.find({"organization_id": organization_id}).sort("_id", 1).batch_size(_PAGE)
        while True:
            with store_errors():
                page = await cursor.to_list(_PAGE)
            if not page:
                return
            yield [_device(document) for document in page]

    async def put_newer(self, devices: Sequence[Device]) -> None:
        """Takes over each device that is not older than the copy's; uids must differ.

        One of the same version says the same, and what a copy of an older shape lacks.
        """
        await put_newer(self._devices, _put_newer({device.uid: _members(device) for device in devices}))

    async def find_groups(self, group_ids: Sequence[int]) -> list[Group]:
        """Those that the copy has heard of, deleted ones too."""
        return [_group(document) for document in await by_ids(self._groups, group_ids)]

    async def put_newer_groups(self, groups: Sequence[Group]) -> None:
        """As `put_newer`, of groups; ids must differ."""
        documents = {group.group_id: asdict(group) for group in groups}
        for document in documents.values():
            del document["group_id"]
        await put_newer(self._groups, _put_newer(documents))

    async def revise(self, organization_ids: Collection[int]) -> None:
        """Counts that something of each organization's devices or groups may have changed; it is stored by then."""
        await put_newer(
            self._revisions,
            [UpdateOne({"_id": one}, {"$inc": {"revision": 1}}, upsert=True) for one in organization_ids],
        )

    async def revisions(self, organization_ids: Sequence[int]) -> dict[int, int]:
        """How often the devices and groups of each organization have changed: 0 for one that nothing is known of."""
        found = {document["_id"]: document["revision"] for document in await by_ids(self._revisions, organization_ids)}
        return {one: found.get(one, 0) for one in organization_ids}


def _put_newer(documents: Mapping[Any, Document]) -> list[UpdateOne]:
    return [
        UpdateOne({"_id": key, "version": {"$lte": members["version"]}}, {"$set": members}, upsert=True)
        for key, members in documents.items()
    ]


def _members(device: Device) -> Document:
    members: Document = {name: getattr(device, name) for name in _MEMBERS}
    for name in _JSON:
        members[name] = json.dumps(members[name])
    return members


def _device(document: Document) -> Device:
    members = {name: document[name] for name in _MEMBERS if name in document}
    for name in _JSON:
        if name in members:
            members[name] = json.loads(members[name])
    for name in ("tags", "group_ids"):
        members[name] = tuple(members.get(name, ()))
    return Device(uid=document["_id"], **members)


def _group(document: Document) -> Group:
    group_id = document.pop("_id")
    return Group(group_id=group_id, **document)
