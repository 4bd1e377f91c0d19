"""Rows by the thousand, written with COPY in the transaction of a session: half the time of an insert of arrays."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.sql.driver import driver_errors, driver_of

_PATIENCE_S = 30.0
_SENT_AT_ONCE = 2_500
_BEGIN = text("select")


async def copy_rows(session: AsyncSession, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Adds `rows`, each with a value for every one of `columns`; the others get their defaults.

    Values are of the driver's types and within their ranges; JSON is text. Raises DBAPIError as a statement of the
    session would.
    """
    driver = await driver_of(session)
    if not driver.is_in_transaction():
        await session.execute(_BEGIN)
    with driver_errors(driver, f"copy {table}"):
        await driver.copy_records_to_table(table, records=_in_turns(rows), columns=columns, timeout=_PATIENCE_S)


async def _in_turns(rows: Iterable[Sequence[Any]]) -> AsyncGenerator[Sequence[Any]]:
    """Lets the first rows go out, and others have their turn, before the last ones are made."""
    for number, row in enumerate(rows):
        if number % _SENT_AT_ONCE == 0:
            await asyncio.sleep(0)
        yield row
