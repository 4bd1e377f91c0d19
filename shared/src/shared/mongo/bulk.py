"""Bulk writes: journaled together, and where some may meet a unique key that somebody else holds, that is an answer.

A server may write its journal to the disk for each single write that asks for it (SecantusDB does, and 500 upserts so
cost it three times the processor time). The journal keeps the order of the writes, so one that asks for it when all the
others have been answered makes all of them durable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import DeleteOne, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError, DuplicateKeyError

from shared.mongo.client import Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import SLICE

Collection = AsyncIOMotorCollection[Document]

_DUPLICATE_KEY = 11000
_JOURNALED_LATER = WriteConcern(w="majority", j=False)


@dataclass(frozen=True, slots=True)
class Written:
    """`landed` is how many writes found or made their document; `refused` are the indexes of those that met a key."""

    landed: int
    refused: Sequence[int] = ()


async def write_all(collection: Collection, writes: Sequence[UpdateOne | DeleteOne]) -> Written:
    """Each of them whatever becomes of the others, in one request. Raises StoreAway."""
    if not writes:
        return Written(0)
    try:
        with store_errors():
            result = await _concern(collection, writes).bulk_write(list(writes), ordered=False)  # pyright: ignore[reportUnknownMemberType]  # Motor's stub
        written = Written(result.matched_count + result.upserted_count + result.deleted_count)
    except BulkWriteError as error:
        refused = refused_by_key(error)
        details: Document = dict(error.details or {})
        written = Written(details["nMatched"] + details["nUpserted"] + details["nRemoved"], refused)
    if len(writes) > 1:
        await _journal(collection)
    return written


async def put_all(collection: Collection, updates: Sequence[UpdateOne]) -> None:
    """All of them, in no order. Raises StoreAway, and what the driver raises when one is refused."""
    if not updates:
        return
    with store_errors():
        journaled_later = _concern(collection, updates)
        for start in range(0, len(updates), SLICE):
            await journaled_later.bulk_write(list(updates[start : start + SLICE]), ordered=False)  # pyright: ignore[reportUnknownMemberType]  # Motor's stub
    if len(updates) > 1:
        await _journal(collection)


@dataclass(frozen=True, slots=True)
class Merge:
    """What becomes of one document if its `revision` is still this one; `members` are set and name another one."""

    id: Any
    revision: int
    members: Document
    appended: Sequence[Document] = ()


async def merge_all(
    collection: Collection, merges: Sequence[Merge], *, append_to: str | None = None, gone: Sequence[str] = ()
) -> int:
    """Merges into each document what is its own; returns how many had the revision, the others stay as they are.

    `appended` goes to the end of the list `append_to`, the members `gone` go. Some documents are one statement: an
    update of each costs SecantusDB three times as much. Raises StoreAway.
    """
    landed = 0
    for start in range(0, len(merges), SLICE):
        some = merges[start : start + SLICE]
        with store_errors():
            result = await _concern(collection, some).update_many(
                {"_id": {"$in": [one.id for one in some]}}, [_merged(some, append_to, gone)]
            )
        landed += result.modified_count
    if len(merges) > 1:
        await _journal(collection)
    return landed


async def put_newer(collection: Collection, updates: Sequence[UpdateOne]) -> None:
    """Upserts whose filters ask for an older version, in which no two are of one document. Raises StoreAway.

    What is not newer misses the filter, tries to insert and meets the key that is there. So does what is newer and
    loses the race for the first insert: it is tried again, and only then known to be older.
    """
    refused = (await write_all(collection, updates)).refused
    await write_all(collection, [updates[index] for index in refused])


async def insert_new(collection: Collection, documents: Sequence[Document]) -> set[Any]:
    """Inserts what is not there yet; returns the `_id`s of those that were. Raises StoreAway."""
    if not documents:
        return set()
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


def _merged(merges: Sequence[Merge], append_to: str | None, gone: Sequence[str]) -> Document:
    """The stage of an update that makes each of the documents its own."""
    each = [{"was": one.revision, "members": one.members, "appended": list(one.appended)} for one in merges]
    place: Document = {"$indexOfArray": [{"$literal": [one.id for one in merges]}, "$_id"]}
    parts: list[Any] = ["$$ROOT", "$$own.members"]
    if append_to is not None:
        parts.append({append_to: {"$concatArrays": [{"$ifNull": [f"${append_to}", []]}, "$$own.appended"]}})
    merged: Document = {"$mergeObjects": parts}
    for member in gone:
        merged = {"$setField": {"field": member, "input": merged, "value": "$$REMOVE"}}
    own: Document = {"$arrayElemAt": [{"$literal": each}, place]}
    unchanged: Document = {"$eq": ["$revision", "$$own.was"]}
    return {"$replaceWith": {"$let": {"vars": {"own": own}, "in": {"$cond": [unchanged, merged, "$$ROOT"]}}}}


def _concern(collection: Collection, writes: Sequence[UpdateOne | DeleteOne | Merge]) -> Collection:
    """One write alone asks for the journal itself."""
    if len(writes) == 1:
        return collection
    return collection.with_options(write_concern=_JOURNALED_LATER)  # pyright: ignore[reportUnknownMemberType]  # Motor's stub


async def _journal(written: Collection) -> None:
    """Returns when all that the server has answered before is on its disk. Raises StoreAway."""
    journal: Collection = written.database["journal"]
    with store_errors():
        try:
            await journal.update_one({"_id": "all"}, {"$inc": {"waits": 1}}, upsert=True)
        except DuplicateKeyError:
            await journal.update_one({"_id": "all"}, {"$inc": {"waits": 1}})
