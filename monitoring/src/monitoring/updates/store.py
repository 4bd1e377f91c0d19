"""Every query about updates: one document a device, its uid the `_id`."""

from collections.abc import Sequence
from dataclasses import asdict

from pymongo import UpdateOne

from monitoring.updates.models import Update
from shared.mongo.bulk import put_all
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import by_ids


class UpdateStore:
    def __init__(self, database: Database) -> None:
        self._updates = database["updates"]

    async def find_all(self, uids: Sequence[str]) -> list[Update]:
        """The newest session of each device that has had one, in no order. Raises StoreAway."""
        return [Update(device_uid=one["_id"], **one["newest"]) for one in await by_ids(self._updates, uids)]

    async def prepare(self) -> None:
        """Makes the index of what releases have brought. Raises StoreAway."""
        with store_errors():
            await self._updates.create_index([("newest.release", 1), ("newest.wave", 1)], name="release")

    async def updated_by(self, organization_id: int, release: str, wave: str) -> list[str]:
        """The devices whose newest session is one of the wave, and completed. Raises StoreAway."""
        query = {
            "newest.release": release,
            "newest.wave": wave,
            "newest.organization_id": organization_id,
            "newest.state": "completed",
        }
        with store_errors():
            return [document["_id"] async for document in self._updates.find(query, {"_id": 1})]

    async def put_newer(self, updates: Sequence[Update]) -> None:
        """Takes over each session that is newer than its device's, in one bulk write; uids must differ.

        `$max` compares embedded documents member by member, so the counter decides and then the version, and doing it
        twice, late or in two workers at once changes nothing. Raises StoreAway.
        """
        writes = [
            UpdateOne({"_id": update.device_uid}, {"$max": {"newest": _newest(update)}}, upsert=True)
            for update in updates
        ]
        await put_all(self._updates, writes)


def _newest(update: Update) -> Document:
    members = asdict(update)
    del members["device_uid"]
    return {"counter": members.pop("counter"), "version": members.pop("version"), **members}
