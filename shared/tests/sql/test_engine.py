"""Connections that the server has closed are replaced, and only those that have rested are asked whether they are
there. What goes wrong tells no secrets.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.settings import PostgresSettings
from shared.sql.engine import look_after_rested, open_engine
from shared.testing import eventually


@pytest.fixture
async def engine(postgres_url) -> AsyncIterator[AsyncEngine]:
    """With one connection."""
    url = postgres_url.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, pool_size=1, max_overflow=0)
    look_after_rested(engine)
    yield engine
    await engine.dispose()


async def driver_of(engine: AsyncEngine) -> Any:
    async with engine.connect() as connection:
        return (await connection.get_raw_connection()).driver_connection


async def end(pid: int, postgres_url: str) -> None:
    other = create_async_engine(postgres_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with other.connect() as connection:
        await connection.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
    await other.dispose()


async def test_a_connection_that_the_server_has_closed_is_replaced(engine, postgres_url, monkeypatch):
    monkeypatch.setattr("shared.sql.engine.RESTED_S", 3_600.0)
    driver = await driver_of(engine)
    await end(driver.get_server_pid(), postgres_url)
    await eventually(driver.is_closed)
    async with engine.connect() as connection:
        assert await connection.scalar(text("select pg_backend_pid()")) != driver.get_server_pid()


async def test_one_that_does_not_answer_after_its_rest_is_replaced(engine, monkeypatch):
    monkeypatch.setattr("shared.sql.engine.RESTED_S", 0.0)
    driver = await driver_of(engine)

    async def silent(*_: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr(type(driver), "fetchrow", silent)
    async with engine.connect() as connection:
        assert await connection.scalar(text("select pg_backend_pid()")) != driver.get_server_pid()


@pytest.mark.parametrize(("rested_s", "asked"), [(3_600.0, 0), (0.0, 1)])
async def test_only_one_that_has_rested_is_asked(engine, monkeypatch, rested_s, asked):
    monkeypatch.setattr("shared.sql.engine.RESTED_S", rested_s)
    driver, queries = await driver_of(engine), list[str]()
    driver.add_query_logger(lambda record: queries.append(record.query))
    async with engine.connect() as connection:
        await connection.scalar(text("select 1"))
    assert queries.count(";") == asked


async def test_an_error_does_not_tell_what_the_statement_was_given(postgres_url):
    server, _, database = postgres_url.rpartition("/")
    async with open_engine(
        PostgresSettings(postgres_url=server, postgres_database=database), application_name="test"
    ) as engine:
        with pytest.raises(DBAPIError) as failure:
            async with engine.connect() as connection:
                await connection.execute(text("select cast(:secret as text), 1 / 0"), {"secret": "hunter2"})
    assert "division by zero" in str(failure.value)
    assert "hunter2" not in str(failure.value)
