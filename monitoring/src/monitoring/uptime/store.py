"""Every query about the history of presence: a document a change."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from monitoring.uptime.models import Change
from shared.mongo.bulk import insert_new
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import SLICE


class UptimeStore:
    def __init__(self, database: Database) -> None:
        self._changes = database["presence_history"]

    async def prepare(self) -> None:
        """Makes the indexes: a device's changes in order, and all by age. Raises StoreAway."""
        with store_errors():
            await self._changes.create_index([("device_uid", 1), ("since", 1)], name="device")
            await self._changes.create_index("since", name="age")

    async def add(self, changes: Sequence[Change]) -> None:
        """Those that are there already stay as they are. Raises StoreAway.

        The moment and the direction make the key: a takeover, which tells of the same moment again, is no change.
        """
        await insert_new(self._changes, [{"_id": _key(change), **asdict(change)} for change in changes])

    async def newest(self, uid: str, *, until: datetime, limit: int) -> list[Change]:
        """The device's last changes up to a moment, the newest first. Raises StoreAway."""
        query: Document = {"device_uid": uid, "since": {"$lte": until}}
        with store_errors():
            found = await self._changes.find(query).sort([("since", -1), ("version", -1)]).limit(limit).to_list(limit)
        return [_change(document) for document in found]

    async def oldest(self, uid: str, *, after: datetime | None = None) -> Change | None:
        """The device's first change, or the first one after a moment. Raises StoreAway."""
        query: Document = {"device_uid": uid} if after is None else {"device_uid": uid, "since": {"$gt": after}}
        with store_errors():
            found = await self._changes.find(query).sort([("since", 1), ("version", 1)]).limit(1).to_list(1)
        return _change(found[0]) if found else None

    async def drop(self, *, before: datetime) -> None:
        """Drops the changes of before then, without each device's last one: it says how the device was then.

        Raises StoreAway.
        """
        devices: set[str] = set()
        over: list[str] = []
        with store_errors():
            async for one in self._changes.find({"since": {"$lt": before}}, ["device_uid"]).sort("since", -1):
                if one["device_uid"] in devices:
                    over.append(one["_id"])
                devices.add(one["device_uid"])
                if len(over) == SLICE:
                    await self._changes.delete_many({"_id": {"$in": over}})
                    over = []
            await self._changes.delete_many({"_id": {"$in": over}})


def _key(change: Change) -> str:
    return f"{change.device_uid}:{int(change.since.timestamp() * 1000):013d}:{'up' if change.online else 'down'}"


def _change(document: Document) -> Change:
    return Change(**{name: value for name, value in document.items() if name != "_id"})
