"""The list of refused tokens in PostgreSQL: a table that a service adds to its metadata and migrations."""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    MetaData,
    String,
    Table,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from shared.revocations import Revocation, newest
from shared.sql.unit_of_work import Units

_table = Table(
    "revocations",
    MetaData(),
    Column("kind", String(16), primary_key=True),
    Column("subject_id", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("refused", Boolean, nullable=False),
    Column("until", DateTime(timezone=True), index=True),
)

_PUT = text(
    """
    insert into revocations (kind, subject_id, version, refused, until)
    select * from unnest(
        cast(:kinds as text[]), cast(:ids as text[]), cast(:versions as bigint[]),
        cast(:refused as boolean[]), cast(:until as timestamptz[])
    )
    on conflict (kind, subject_id) do update
        set version = excluded.version, refused = excluded.refused, until = excluded.until
        where revocations.version < excluded.version
    """
)
_FORGET = text("delete from revocations where until < now() - interval '1 hour'")


def add_table(metadata: MetaData) -> None:
    _table.to_metadata(metadata)


async def put(session: AsyncSession, revocations: Sequence[Revocation]) -> None:
    """Takes over what is newer, in one statement."""
    entries = newest(revocations)
    if not entries:
        return
    await session.execute(
        _PUT,
        {
            "kinds": [entry.kind for entry in entries],
            "ids": [entry.subject_id for entry in entries],
            "versions": [entry.version for entry in entries],
            "refused": [entry.refused for entry in entries],
            "until": [entry.until for entry in entries],
        },
    )


async def everything(session: AsyncSession) -> list[Revocation]:
    """The list as it is, with what is let in again, without what can refuse no token any more."""
    rows = await session.execute(select(_table).where(_alive()).order_by(_table.c.kind, _table.c.subject_id))
    return [Revocation(*row) for row in rows]


async def forget(session: AsyncSession) -> None:
    """Deletes what can refuse no token any more, by the database's clock."""
    await session.execute(_FORGET)


class SqlRevocations:
    """The list as a process reads it, and as its service's consumer writes it; each in a unit of its own."""

    def __init__(self, units: Units) -> None:
        self._units = units

    async def load(self) -> list[Revocation]:
        """What is refused at present. Raises ServiceUnavailable."""
        async with self._units.begin() as unit:
            rows = await unit.session.execute(select(_table).where(_table.c.refused, _alive()))
            return [Revocation(*row) for row in rows]

    async def put(self, revocations: Sequence[Revocation]) -> None:
        """Raises ServiceUnavailable."""
        async with self._units.begin() as unit:
            await put(unit.session, revocations)
            await forget(unit.session)


def _alive() -> ColumnElement[bool]:
    return or_(_table.c.until.is_(None), _table.c.until > func.now())
