"""ota-service's database from outside: what it holds, and locks at which a worker stands still."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from muster_stack.stack import Stack
from shared.testing import eventually


class Database:
    """ota-service's, which is there whatever else is not."""

    def __init__(self, stack: Stack) -> None:
        self._url = f"{stack.info['postgres']}/ota_service"

    async def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._url)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()

    @asynccontextmanager
    async def holding(self, locking: str) -> AsyncIterator[None]:
        """Holds the locks that a statement takes until the block ends."""
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(f"begin; {locking}")
            yield
        finally:
            await connection.close()

    async def stands_at(self, statement: str) -> None:
        """Waits until somebody's transaction waits in a statement with these words for what is held."""
        waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%' || $1 || '%'"
        await eventually(lambda: self.rows(waiting, statement), why=f"somebody waits in {statement!r}")
