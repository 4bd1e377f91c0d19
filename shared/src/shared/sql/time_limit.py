"""A limit on how long the database may think about statements whose cost a caller decides."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.errors import DomainError

_CANCELLED = "57014"


@asynccontextmanager
async def time_limit(session: AsyncSession, seconds: float, *, otherwise: DomainError) -> AsyncGenerator[None]:
    """Each statement of the block takes at most `seconds`, or `otherwise` is raised and the transaction is over."""
    await session.execute(text(f"set local statement_timeout = {round(seconds * 1_000)}"))
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _CANCELLED:
            raise otherwise from error
        raise
    await session.execute(text("set local statement_timeout to default"))
