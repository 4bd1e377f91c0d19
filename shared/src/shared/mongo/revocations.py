"""The list of refused tokens in MongoDB: one document a subject, `_id` its kind and id."""

from collections.abc import Sequence

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.revocations import Revocation, newest

_DUPLICATE_KEY = 11000


class MongoRevocations:
    def __init__(self, database: Database) -> None:
        self._entries = database["revocations"]

    async def prepare(self) -> None:
        """Makes the index that forgets what can refuse no token any more. Raises StoreAway."""
        with store_errors():
            await self._entries.create_index("until", name="until", expireAfterSeconds=3_600)

    async def load(self) -> list[Revocation]:
        """What is refused at present. Raises StoreAway."""
        with store_errors():
            found = await self._entries.find({"refused": True}).to_list(None)
        return [
            Revocation(entry["kind"], entry["subject_id"], entry["version"], entry["refused"], entry["until"])
            for entry in found
        ]

    async def put(self, revocations: Sequence[Revocation]) -> None:
        """Takes over what is newer; what is older misses the filter and meets its key. Raises StoreAway."""
        updates = [_put_newer(entry) for entry in newest(revocations)]
        if updates and (refused := await self._write(updates)):
            await self._write([updates[index] for index in refused])

    async def _write(self, updates: list[UpdateOne]) -> list[int]:
        """The indexes of those that met their key: older ones, and newer ones that lost the race for the insert."""
        try:
            with store_errors():
                await self._entries.bulk_write(updates, ordered=False)  # pyright: ignore[reportUnknownMemberType]  # Motor's stub
        except BulkWriteError as error:
            failures: list[Document] = (error.details or {}).get("writeErrors", [])
            if any(failure["code"] != _DUPLICATE_KEY for failure in failures):
                raise
            return [failure["index"] for failure in failures]
        return []


def _put_newer(entry: Revocation) -> UpdateOne:
    return UpdateOne(
        {"_id": f"{entry.kind}:{entry.subject_id}", "version": {"$lt": entry.version}},
        {
            "$set": {
                "kind": entry.kind,
                "subject_id": entry.subject_id,
                "version": entry.version,
                "refused": entry.refused,
                "until": entry.until,
            }
        },
        upsert=True,
    )
