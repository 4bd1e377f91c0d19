"""Reading many documents by a member of theirs, some values at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection

from shared.mongo.client import Document
from shared.mongo.errors import store_errors

SLICE = 50
"""SecantusDB compares each document with each value of an `$in`, so a long one costs the square of its length."""


async def by_ids(
    collection: AsyncIOMotorCollection[Document], ids: Sequence[Any], fields: Sequence[str] | None = None
) -> list[Document]:
    """Those of `ids` that are there, in no order; of each only `_id` and `fields` where given. Raises StoreAway."""
    return await by_values(collection, "_id", ids, fields=fields)


async def by_values(
    collection: AsyncIOMotorCollection[Document],
    member: str,
    values: Sequence[Any],
    *,
    also: Mapping[str, Any] | None = None,
    fields: Sequence[str] | None = None,
) -> list[Document]:
    """The documents whose `member` is one of `values` and that the query `also` finds, in no order.

    Of each only `_id` and `fields` where given. Raises StoreAway.
    """
    found: list[Document] = []
    for start in range(0, len(values), SLICE):
        query: Document = {member: {"$in": list(values[start : start + SLICE])}, **(also or {})}
        with store_errors():
            found += await collection.find(query, fields).to_list(None)
    return found
