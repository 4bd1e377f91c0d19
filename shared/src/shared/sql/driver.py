"""The driver's own connection beneath a session, for what passes by the thousand."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - asyncpg ships no types
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

_CONSTRAINT = "23"


async def driver_of(session: AsyncSession) -> Any:
    """The connection of the driver that the session has until its end."""
    return (await (await session.connection()).get_raw_connection()).driver_connection


@contextmanager
def driver_errors(driver: Any, statement: str) -> Generator[None]:
    """The driver's errors as a statement of the session would raise them: DBAPIError."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        kind = IntegrityError if str(getattr(error, "sqlstate", "")).startswith(_CONSTRAINT) else DBAPIError
        raise kind(statement, None, error, connection_invalidated=driver.is_closed()) from error
    except asyncpg.InternalClientError as error:
        # The server has taken leave and has not closed the connection yet: on that the driver can do nothing more.
        driver.terminate()
        raise DBAPIError(statement, None, error, connection_invalidated=True) from error


async def read_first(session: AsyncSession, statement: str, *values: Any) -> Any | None:
    """The first row, by column, of a query that locks nothing; its parameters are $1, $2 ...

    In one round trip while the session has done nothing else: no transaction is begun for it. As each statement of one
    would see what is committed by then, that makes no difference. Raises DBAPIError.
    """
    driver = await driver_of(session)
    with driver_errors(driver, statement):
        return await driver.fetchrow(statement, *values)
