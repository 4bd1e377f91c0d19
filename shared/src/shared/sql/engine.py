"""One engine a process, with limits that make a lost or frozen database an error instead of a hang."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from shared.settings import PostgresSettings
from shared.sql.pool import TurnPool

PATIENCE_S: Final = 5
"""How long a connection is waited for, a new one or one of the pool."""

RESTED_S: Final = 1.0
"""A connection that nobody has used for so long is asked whether it is still there. To ask costs three round trips:
before each unit of work that would be a third of all."""

_USED_AT = "used_at"


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
        hide_parameters=True,  # Errors are logged, and values may be secrets.
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
    look_after_rested(engine)
    try:
        yield engine
    finally:
        await engine.dispose()


def look_after_rested(engine: AsyncEngine) -> None:
    """Has connections replaced that the server has closed, or that do not answer once they have rested."""
    event.listen(engine.sync_engine, "checkin", _rest)
    event.listen(engine.sync_engine, "checkout", _wake)


def _rest(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = monotonic()


def _wake(connection: Any, record: ConnectionPoolEntry, _handle: object) -> None:
    """Raises InvalidatePoolError, with which the pool connects anew. One that is new has not rested."""
    used_at = record.info.get(_USED_AT)
    if used_at is None:
        return
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
    if monotonic() - used_at >= RESTED_S:
        try:
            connection.ping()
        except Exception as error:
            raise InvalidatePoolError from error
