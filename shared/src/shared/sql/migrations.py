"""Runs a service's alembic migrations: a step of its own, one at a time, never at the start of an application.

A service's `migrations/env.py` calls `run` and nothing else.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.settings import PostgresSettings

_ADVISORY_LOCK = 0x6D757374  # "must": two migrations at once would interleave


def run(settings: PostgresSettings, metadata: MetaData) -> None:
    """Creates the database when it is missing, then migrates it under an advisory lock in one transaction."""
    asyncio.run(_run(settings, metadata))


async def _run(settings: PostgresSettings, metadata: MetaData) -> None:
    await _ensure_database(settings)
    engine = create_async_engine(settings.database_url(), poolclass=pool.NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        await connection.run_sync(_migrate, metadata)
    await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    context.run_migrations()


async def _ensure_database(settings: PostgresSettings) -> None:
    maintenance = settings.model_copy(update={"postgres_database": "postgres"})
    engine = create_async_engine(maintenance.database_url(), poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text("select pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
        known = await connection.scalar(
            text("select 1 from pg_database where datname = :name"), {"name": settings.postgres_database}
        )
        if not known:
            quoted = connection.dialect.identifier_preparer.quote(settings.postgres_database)
            await connection.execute(text(f"create database {quoted}"))
    await engine.dispose()
