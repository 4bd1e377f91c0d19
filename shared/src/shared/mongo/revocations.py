"""The list of refused tokens in MongoDB: one document a subject, `_id` its kind and id."""

from collections.abc import Sequence

from pymongo import UpdateOne

from shared.mongo.bulk import put_newer
from shared.mongo.client import Database
from shared.mongo.errors import store_errors
from shared.revocations import Revocation, newest


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
        """Takes over what is newer. Raises StoreAway."""
        await put_newer(self._entries, [_put_newer(entry) for entry in newest(revocations)])


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
