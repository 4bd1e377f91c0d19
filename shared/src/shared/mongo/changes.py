"""What was written since a moment, by the database's clock.

Every write of such documents is joined by `TOUCH`, which notes its time as `touched`; an index on that answers.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from motor.motor_asyncio import AsyncIOMotorCollection

from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors

TOUCH: Document = {"$currentDate": {"touched": True}}

OVERLAP = timedelta(seconds=5)
"""More than a write takes: what is read as changed since a moment misses nothing that was under way at it."""


async def database_now(database: Database) -> datetime:
    """The database's clock. Raises StoreAway."""
    with store_errors():
        answer = await database.command("hello")
    return answer["localTime"].replace(tzinfo=UTC)


async def changed_since(
    collection: AsyncIOMotorCollection[Document],
    since: datetime | None,
    *,
    whole: Document,
    fields: Sequence[str] | None = None,
) -> tuple[list[Document], datetime]:
    """What was written since that moment, and some before, in order; without one what the query `whole` finds.

    With the moment to go on. Raises StoreAway.
    """
    now = await database_now(collection.database)  # pyright: ignore[reportArgumentType]  # Motor's stub
    query: Document = whole if since is None else {"touched": {"$gte": since - OVERLAP}}
    with store_errors():
        found = await collection.find(query, fields).to_list(None)
    return sorted(found, key=lambda document: document["touched"]), now
