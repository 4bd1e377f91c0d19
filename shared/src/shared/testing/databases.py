"""A service's database for tests: made and migrated by alembic itself, emptied between tests."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Protocol


class Connection(Protocol):
    """As much of asyncpg's connection as is needed here."""

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


_EMPTY = """
do $$
declare
  names text[] := array(
    select quote_ident(tablename) from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'
  );
  one text;
begin
  execute 'lock table ' || array_to_string(names, ', ');
  if (select sum(pg_table_size(name::regclass)) from unnest(names) as name) > 8000000 then
    execute 'truncate ' || array_to_string(names, ', ') || ' restart identity cascade';
    return;
  end if;
  set local session_replication_role = replica;
  foreach one in array names loop
    execute 'delete from ' || one;
  end loop;
  perform setval(format('%I.%I', schemaname, sequencename), start_value, false)
  from pg_sequences where schemaname = 'public' and last_value is not null;
end $$
"""
"""It waits for what is under way, as TRUNCATE does, which takes long where there is little, for it makes new files. A
replica checks no keys and runs no triggers."""


async def empty(connection: Connection) -> None:
    """Removes every row and starts the identities anew."""
    await connection.execute(_EMPTY)
