"""Every query about the copy of the fleet: one document a device, its uid the `_id`."""

from collections.abc import Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from monitoring.fleet.models import Device
from shared.contracts.devices import PURGED
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import by_ids

_DUPLICATE_KEY = 11000


class FleetStore:
    def __init__(self, database: Database) -> None:
        self._devices = database["devices"]

    async def prepare(self) -> None:
        """Makes the index that lists an organization's devices by uid. Raises StoreAway."""
        with store_errors():
            await self._devices.create_index([("organization_id", 1), ("_id", 1)], name="organization")

    async def find(self, uid: str) -> Device | None:
        with store_errors():
            document = await self._devices.find_one({"_id": uid})
        return None if document is None else _device(document)

    async def find_all(self, uids: Sequence[str]) -> list[Device]:
        return [_device(document) for document in await by_ids(self._devices, uids)]

    async def uids(self, organization_id: int, *, after: str, limit: int) -> list[str]:
        """The organization's uids in order, beginning behind `after`, without purged devices."""
        query: Document = {"organization_id": organization_id, "_id": {"$gt": after}, "lifecycle": {"$ne": PURGED}}
        with store_errors():
            found = await self._devices.find(query, {"_id": 1}).sort("_id", 1).limit(limit).to_list(limit)
        return [document["_id"] for document in found]

    async def put_newer(self, devices: Sequence[Device]) -> None:
        """Takes over each device whose version is greater than the copy's; uids must differ.

        An older version misses the filter, tries to insert and meets the key that is there. So does a newer one that
        loses the race for the first insert: it is tried again, and only then known to be older.
        """
        updates = [_put_newer(device) for device in devices]
        if updates and (refused := await self._write(updates)):
            await self._write([updates[index] for index in refused])

    async def _write(self, updates: list[UpdateOne]) -> list[int]:
        try:
            with store_errors():
                await self._devices.bulk_write(updates, ordered=False)  # pyright: ignore[reportUnknownMemberType]  # Motor's stub
        except BulkWriteError as error:
            failures: list[dict[str, Any]] = (error.details or {}).get("writeErrors", [])
            if any(failure["code"] != _DUPLICATE_KEY for failure in failures):
                raise
            return [failure["index"] for failure in failures]
        return []


def _put_newer(device: Device) -> UpdateOne:
    return UpdateOne(
        {"_id": device.uid, "version": {"$lt": device.version}},
        {
            "$set": {
                "organization_id": device.organization_id,
                "lifecycle": device.lifecycle,
                "min_token_generation": device.min_token_generation,
                "version": device.version,
            }
        },
        upsert=True,
    )


def _device(document: Document) -> Device:
    return Device(
        uid=document["_id"],
        organization_id=document["organization_id"],
        lifecycle=document["lifecycle"],
        min_token_generation=document["min_token_generation"],
        version=document["version"],
    )
