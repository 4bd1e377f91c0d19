"""One request or one message is one transaction.

Services receive a unit of work and never commit: it commits when the block that opened it ends cleanly, together with
the events added to its outbox, and rolls back when the block raises.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from socket import gaierror

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from shared.clock import Clock
from shared.errors import DomainError, ServiceUnavailable
from shared.ids import Ids
from shared.outbox.outbox import Outbox

AfterCommit = Callable[[], Awaitable[None]]

_DATA_EXCEPTION = "22"
_AWAY = (ConnectionError, TimeoutError, gaierror, PoolTimeout)

_log = structlog.get_logger(__name__)


class Conflicted(DomainError):
    """The database refused the change because of another one; nothing of it was written."""

    status = 409
    code = "conflict"


class Unstorable(DomainError):
    """A value that no shape refused and the database cannot hold, e.g. text with half a surrogate pair."""

    status = 422
    code = "unstorable_value"

    def __init__(self) -> None:
        super().__init__("a value cannot be stored: broken text, or a number out of range")


class UnitOfWork:
    """The session of one transaction, its outgoing events, and what must happen once it is committed."""

    def __init__(self, session: AsyncSession, outbox: Outbox) -> None:
        self.session = session
        self.outbox = outbox
        self._after_commit: list[AfterCommit] = []

    def after_commit(self, callback: AfterCommit) -> None:
        """Calls `callback` after a successful commit. A failing callback is logged; the change stands."""
        self._after_commit.append(callback)

    async def commit(self) -> None:
        """For the block that opened the unit alone."""
        if self.session.in_transaction():
            await self.session.flush()
        await self.outbox.flush()
        if self.session.in_transaction():
            await self.session.commit()
        for callback in self._after_commit:
            try:
                await callback()
            except Exception:  # noqa: BLE001 - the change is committed, whatever its echo does
                _log.exception("after-commit callback failed")


class Units:
    """Opens units of work on one engine."""

    def __init__(self, engine: AsyncEngine, *, source: str, clock: Clock, ids: Ids) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._source = source
        self._clock = clock
        self._ids = ids

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[UnitOfWork]:
        """A unit that commits when the block ends.

        Raises ServiceUnavailable when the database is away, Conflicted when a constraint refuses the change, and
        Unstorable when a value is none that the database can hold.
        """
        try:
            async with _ended(self._sessions()) as session:
                outbox = Outbox(session, source=self._source, clock=self._clock, ids=self._ids)
                unit = UnitOfWork(session, outbox)
                try:
                    yield unit
                except DomainError as error:
                    if error.keeps_changes:
                        await unit.commit()
                    raise
                await unit.commit()
        except IntegrityError as error:
            raise Conflicted("the change conflicts with another one; read again and retry") from error
        except _AWAY as error:
            raise ServiceUnavailable("the database is away") from error
        except DBAPIError as error:
            if error.connection_invalidated or _passing(error):
                raise ServiceUnavailable("the database could not take the change now") from error
            if _sqlstate(error).startswith(_DATA_EXCEPTION):
                raise Unstorable from error
            raise


@asynccontextmanager
async def _ended(session: AsyncSession) -> AsyncGenerator[AsyncSession]:
    """Gives the session's connection back. One that was never used has none, and ending it would cost a cached read."""
    try:
        yield session
    finally:
        if session.in_transaction():
            await asyncio.shield(session.close())


def worth_repeating(error: Exception) -> bool:
    """Whether the same may well succeed at once: the database is away, or let another transaction go first.

    Source: PostgreSQL's error classes 08 connection, 40 transaction rollback.
    """
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _sqlstate(error)[:2] in {"08", "40"}
    return isinstance(error, (*_AWAY, ServiceUnavailable))


def _passing(error: DBAPIError) -> bool:
    """Whether PostgreSQL says that the same statement may succeed later.

    Source: PostgreSQL's error classes 08 connection, 40 transaction rollback, 53 resources, 57 operator intervention.
    """
    return _sqlstate(error)[:2] in {"08", "40", "53", "57"}


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", "") or "")
