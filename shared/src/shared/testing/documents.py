"""A database of the document store for tests."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from shared.mongo import client
from shared.testing.waiting import eventually


@asynccontextmanager
async def opened(url: str, name: str) -> AsyncGenerator[client.Database]:
    """The database of that name, with a connection to it: for its first one a call waits two seconds at most."""
    async with client.open(url, name) as database:
        await eventually(lambda: answers(database))
        yield database


async def answers(database: client.Database) -> bool:
    """True; raises StoreAway."""
    await client.check(database)
    return True
