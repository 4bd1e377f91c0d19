"""The database and Python say the same of every query and document."""

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    DateTime,
    String,
    Text,
    cast,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from shared.rql.errors import QueryTooSlow
from shared.rql.parser import parse
from shared.rql.predicate import matches
from shared.rql.sql import Column, compile_query
from shared.sql.time_limit import time_limit

from .queries import FIELDS, documents, queries

_TYPES = {
    "name": Text(),
    "version": BigInteger(),
    "updates_enabled": Boolean(),
    "registered_at": DateTime(timezone=True),
    "tags": ARRAY(Text()),
}


@pytest.fixture(scope="module")
async def connection(postgres_server) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(postgres_server.url.replace("postgresql://", "postgresql+asyncpg://") + "/postgres")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


def columns_of(document) -> dict[str, Column]:
    attributes = cast(literal(json.dumps(document["attributes"]), Text), JSONB)
    values = {name: cast(literal(document[name], kind), kind) for name, kind in _TYPES.items()}
    return {name: Column(FIELDS[name], value) for name, value in {**values, "attributes": attributes}.items()}


@settings(max_examples=300)
@given(document=documents, query=queries)
async def test_the_database_finds_what_python_finds(connection, document, query):
    condition = compile_query(query, columns_of(document))
    found = await connection.scalar(select(func.coalesce(condition, False)))
    assert found == matches(query, document)


@pytest.mark.parametrize(
    ("rql", "column"),
    [
        ('in(attributes/site/floor,1,"cellar")', literal_column("attributes", JSONB())),
        ('in(tags,"north","south")', literal_column("tags", ARRAY(String(64)))),
    ],
)
async def test_an_equality_in_a_document_or_a_list_is_answered_by_its_index(connection, rql, column):
    await connection.execute(text("create temporary table things (attributes jsonb not null, tags varchar(64)[])"))
    await connection.execute(text("create index on things using gin (attributes jsonb_path_ops)"))
    await connection.execute(text("create index on things using gin (tags)"))
    await connection.execute(text("set local enable_seqscan = off"))
    condition = compile_query(parse(rql), {column.name: Column(FIELDS[column.name], column)})
    rendered = condition.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    explain = f"explain select * from things where {rendered}"  # noqa: S608 - made above
    plan = await connection.execute(text(explain.replace(":", "\\:")))
    assert "Bitmap Index Scan" in (lines := "\n".join(row[0] for row in plan))
    assert "Seq Scan" not in lines
    await connection.rollback()


async def test_a_statement_past_its_time_is_a_refusal_and_the_limit_ends_with_its_block(connection):
    async with AsyncSession(connection) as session:
        async with time_limit(session, 60, otherwise=QueryTooSlow()):
            await session.execute(text("select 1"))
        assert await session.scalar(text("show statement_timeout")) == "0"
        with pytest.raises(QueryTooSlow):
            async with time_limit(session, 0.05, otherwise=QueryTooSlow()):
                await session.execute(text("select pg_sleep(5)"))
