"""A service's database for tests: made and migrated by alembic itself, emptied between tests."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol


class Connection(Protocol):
    """As much of asyncpg's connection as is needed here."""

    async def fetch(self, query: str) -> Sequence[Mapping[str, Any]]: ...

    async def execute(self, query: str) -> object: ...


async def migrate(service: Path, server_url: str, database: str) -> None:
    """Runs the migrations of the service in folder `service` as its deployment does. Raises RuntimeError."""
    environment = {**os.environ, "MUSTER_POSTGRES_URL": server_url, "MUSTER_POSTGRES_DATABASE": database}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alembic", "-c", str(service / "alembic.ini"), "upgrade", "head"),
        env=environment,
        cwd=service,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(errors.decode())


async def empty(connection: Connection) -> None:
    """Removes every row and starts the identities anew."""
    tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    names = ", ".join(row["tablename"] for row in tables if row["tablename"] != "alembic_version")
    await connection.execute(f"truncate {names} restart identity cascade")
