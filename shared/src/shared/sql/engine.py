"""One engine a process, with limits that make a lost or frozen database an error instead of a hang."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.settings import PostgresSettings
from shared.sql.pool import TurnPool

PATIENCE_S: Final = 5
"""How long a connection is waited for, a new one or one of the pool."""


@asynccontextmanager
async def open_engine(settings: PostgresSettings, *, application_name: str) -> AsyncGenerator[AsyncEngine]:
    """A pool of `postgres_pool` connections, and as many again under load; a statement runs at most 30 s.

    Who finds none waits for at most `PATIENCE_S`, in turn: only where all that came before were not served in that time
    either is a request refused (503 with Retry-After).
    """
    engine = create_async_engine(
        settings.database_url(),
        poolclass=TurnPool,
        pool_size=settings.postgres_pool,
        max_overflow=settings.postgres_pool,
        pool_timeout=PATIENCE_S,
        pool_pre_ping=True,
        connect_args={
            "timeout": PATIENCE_S,
            "command_timeout": 30,
            "server_settings": {
                "application_name": application_name,
                "idle_in_transaction_session_timeout": str(round(settings.postgres_frozen_seconds * 1_000)),
                "timezone": "UTC",
            },
        },
    )
    try:
        yield engine
    finally:
        await engine.dispose()
