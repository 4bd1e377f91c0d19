"""One engine a process, with limits that make a lost or frozen database an error instead of a hang."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.settings import PostgresSettings


@asynccontextmanager
async def open_engine(settings: PostgresSettings, *, application_name: str) -> AsyncGenerator[AsyncEngine]:
    """A pool of `postgres_pool` connections, asked for at most 5 s; a statement runs at most 30 s."""
    engine = create_async_engine(
        settings.database_url(),
        pool_size=settings.postgres_pool,
        max_overflow=settings.postgres_pool,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={
            "timeout": 5,
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
