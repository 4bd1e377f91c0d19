"""The client of the document store: bounded in every wait, journaled in every write."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo import WriteConcern

from shared.mongo.errors import store_errors

Document = dict[str, Any]
Database = AsyncIOMotorDatabase[Document]


@asynccontextmanager
async def open(url: str, database: str, *, name: str = "muster", pool: int = 20) -> AsyncGenerator[Database]:  # noqa: A001 - `client.open` reads as it should
    """The database, at once: connecting happens with the first call. Times are aware and in UTC.

    A call waits at most 2 s for a server and 5 s for a free connection; an answer may take 20 s. Writes are journaled.
    Errors are the driver's: calls stand in `shared.mongo.errors.store_errors`.

    The time to connect is also that of a heartbeat, and one that is not answered in it ends every call under way: a
    server that only has much to do may need some seconds.
    """
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
        url,
        appname=name,
        serverSelectionTimeoutMS=2_000,
        connectTimeoutMS=8_000,
        socketTimeoutMS=20_000,
        waitQueueTimeoutMS=5_000,
        maxPoolSize=pool,
    )
    try:
        yield client.get_database(
            database,
            codec_options=CodecOptions[Document](tz_aware=True, uuid_representation=UuidRepresentation.STANDARD),
            write_concern=WriteConcern(w="majority", j=True),
        )
    finally:
        client.close()


async def check(database: Database) -> None:
    """For readiness. Raises StoreAway."""
    with store_errors():
        await database.command("ping")
