"""Rows by COPY belong to their unit, and fail as a statement of it would."""

import pytest
from sqlalchemy import text

from shared.errors import ServiceUnavailable
from shared.sql.copying import copy_rows
from shared.sql.unit_of_work import Conflicted, Units, Unstorable


@pytest.fixture
async def _pairs(units: Units) -> None:
    async with units.begin() as unit:
        await unit.session.execute(text("create table pairs (id int primary key, word text, document jsonb)"))


async def stored(units: Units) -> int | None:
    async with units.begin() as unit:
        return await unit.session.scalar(text("select count(*) from pairs"))


@pytest.mark.usefixtures("_pairs")
async def test_rows_are_there_with_the_commit_and_without_it_are_not(units: Units):
    rows = [(number, "w", '{"a": [1]}') for number in range(1_000)]
    async with units.begin() as unit:
        await copy_rows(unit.session, "pairs", ("id", "word", "document"), rows)
        await unit.session.rollback()
    assert await stored(units) == 0
    async with units.begin() as unit:
        await copy_rows(unit.session, "pairs", ("id", "word", "document"), rows)
    assert await stored(units) == 1_000


@pytest.mark.usefixtures("_pairs")
@pytest.mark.parametrize(
    ("rows", "error"),
    [([(1, "a"), (1, "b")], Conflicted), ([(1, "a\0")], Unstorable)],
)
async def test_what_the_database_refuses_is_refused_as_by_a_statement(units: Units, rows, error):
    with pytest.raises(error):
        async with units.begin() as unit:
            await copy_rows(unit.session, "pairs", ("id", "word"), rows)
    assert await stored(units) == 0


@pytest.mark.usefixtures("_pairs")
async def test_a_connection_that_is_lost_is_an_unavailable_database(units: Units):
    async def copied_by_a_lost_connection() -> None:
        async with units.begin() as unit:
            own = await unit.session.scalar(text("select pg_backend_pid()"))
            async with units.begin() as other:
                await other.session.execute(text("select pg_terminate_backend(:pid)"), {"pid": own})
            await copy_rows(unit.session, "pairs", ("id", "word"), [(1, "a")])

    with pytest.raises(ServiceUnavailable):
        await copied_by_a_lost_connection()
