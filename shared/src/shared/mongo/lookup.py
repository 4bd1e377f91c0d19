"""Reading many documents by their ids, a slice at a time."""

from collections.abc import Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection

from shared.mongo.client import Document
from shared.mongo.errors import store_errors

_SLICE = 50
"""SecantusDB compares each document with each id of an `$in`, so a long one costs the square of its length."""


async def by_ids(
    collection: AsyncIOMotorCollection[Document], ids: Sequence[Any], fields: Sequence[str] | None = None
) -> list[Document]:
    """Those of `ids` that are there, in no order; of each only `_id` and `fields` where given. Raises StoreAway."""
    found: list[Document] = []
    for start in range(0, len(ids), _SLICE):
        query = {"_id": {"$in": list(ids[start : start + _SLICE])}}
        with store_errors():
            found += await collection.find(query, fields).to_list(_SLICE)
    return found
