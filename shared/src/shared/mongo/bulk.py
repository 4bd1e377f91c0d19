"""Bulk writes of which some may meet a unique key that somebody else holds: that is an answer, and no error."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import DeleteOne, UpdateOne
from pymongo.errors import BulkWriteError

from shared.mongo.client import Document
from shared.mongo.errors import store_errors

Collection = AsyncIOMotorCollection[Document]

_DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True)
class Written:
    """`landed` is how many writes found or made their document; `refused` are the indexes of those that met a key."""

    landed: int
    refused: Sequence[int] = ()


async def write_all(collection: Collection, writes: Sequence[UpdateOne | DeleteOne]) -> Written:
    """Each of them whatever becomes of the others, in one round trip. Raises StoreAway."""
    if not writes:
        return Written(0)
    try:
        with store_errors():
            result = await collection.bulk_write(list(writes), ordered=False)  # pyright: ignore[reportUnknownMemberType]  # Motor's stub
    except BulkWriteError as error:
        refused = refused_by_key(error)
        details: Document = dict(error.details or {})
        return Written(details["nMatched"] + details["nUpserted"] + details["nRemoved"], refused)
    return Written(result.matched_count + result.upserted_count + result.deleted_count)


async def put_newer(collection: Collection, updates: Sequence[UpdateOne]) -> None:
    """Upserts whose filters ask for an older version, in which no two are of one document. Raises StoreAway.

    What is not newer misses the filter, tries to insert and meets the key that is there. So does what is newer and
    loses the race for the first insert: it is tried again, and only then known to be older.
    """
    refused = (await write_all(collection, updates)).refused
    await write_all(collection, [updates[index] for index in refused])


async def insert_new(collection: Collection, documents: Sequence[Document]) -> set[Any]:
    """Inserts what is not there yet; returns the `_id`s of those that were. Raises StoreAway."""
    try:
        with store_errors():
            await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        return {documents[index]["_id"] for index in refused_by_key(error)}
    return set()


def refused_by_key(error: BulkWriteError) -> list[int]:
    """The indexes of the writes that met a unique key. Raises the error itself if that is not all that went wrong."""
    details: Document = dict(error.details or {})
    failures: list[Document] = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(failure["code"] != _DUPLICATE_KEY for failure in failures):
        raise error
    return [failure["index"] for failure in failures]
