"""Rows by COPY belong to their unit, and fail as a statement of it would."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.errors import ServiceUnavailable
from shared.sql import copying
from shared.sql.copying import copy_rows
from shared.sql.unit_of_work import Conflicted, Units, Unstorable
from shared.testing import eventually


@pytest.fixture
async def _pairs(units: Units) -> None:
    async with units.begin() as unit:
        await unit.session.execute(text("create table pairs (id int primary key, word text)"))


async def stored(units: Units) -> int | None:
    async with units.begin() as unit:
        return await unit.session.scalar(text("select count(*) from pairs"))


def pair(number: int, word: str) -> bytes:
    return copying.integer(number) + copying.text(word)


@pytest.mark.usefixtures("_pairs")
@pytest.mark.parametrize("rows", [0, 1, 1_000, 12_345])
async def test_rows_are_there_with_the_commit_and_without_it_are_not(units: Units, rows: int):
    def pairs() -> Iterator[bytes]:
        return (pair(number, "w") for number in range(rows))

    async with units.begin() as unit:
        await copy_rows(unit.session, "pairs", ("id", "word"), pairs())
        await unit.session.rollback()
    assert await stored(units) == 0
    async with units.begin() as unit:
        await copy_rows(unit.session, "pairs", ("id", "word"), pairs())
    assert await stored(units) == rows


async def test_values_of_every_type_are_stored_as_they_are(units: Units):
    def utf8(value: str) -> bytes:
        return copying.text(value.encode())

    def document(value: dict[str, Any]) -> bytes:
        return copying.jsonb(json.dumps(value, ensure_ascii=False).encode())

    values: dict[str, tuple[Any, Callable[[Any], bytes]]] = {
        "a_text": ('é "x", \\ \n', copying.text),
        "none": (None, copying.text),
        "utf8": ("é", utf8),
        "an_integer": (-(2**31), copying.integer),
        "a_bigint": (2**63 - 1, copying.bigint),
        "yes": (True, copying.boolean),
        "no": (False, copying.boolean),
        "a_uuid": (UUID("11111111-2222-4333-8444-555555555555"), copying.uuid),
        "a_time": (datetime(2026, 11, 21, 6, 15, 31, 843, tzinfo=UTC), copying.timestamptz),
        "an_early_time": (datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC), copying.timestamptz),
        "words": (["a", 'b"', "é", ""], copying.varchars),
        "no_words": ([], copying.varchars),
        "a_document": ({"a": [1, None, "é"]}, document),
    }
    async with units.begin() as unit:
        await unit.session.execute(
            text(
                "create table kinds (a_text text, none varchar(5), utf8 varchar(5), an_integer int, a_bigint bigint,"
                " yes boolean, no boolean, a_uuid uuid, a_time timestamptz, an_early_time timestamptz,"
                " words varchar(64)[], no_words varchar(64)[], a_document jsonb)"
            )
        )
        row = b"".join(made(value) for value, made in values.values())
        await copy_rows(unit.session, "kinds", tuple(values), [row])
        found = (await unit.session.execute(text("select * from kinds"))).mappings().one()
    assert dict(found) == {name: value for name, (value, _made) in values.items()}


@pytest.mark.usefixtures("_pairs")
@pytest.mark.parametrize(
    ("rows", "error"),
    [([(1, "a"), (1, "b")], Conflicted), ([(1, "a\0")], Unstorable), ([(1, "\ud800")], Unstorable)],
)
async def test_what_the_database_refuses_is_refused_as_by_a_statement(
    units: Units, rows: list[tuple[int, str]], error: type[Exception]
):
    with pytest.raises(error):
        async with units.begin() as unit:
            await copy_rows(unit.session, "pairs", ("id", "word"), [pair(*row) for row in rows])
    assert await stored(units) == 0


@pytest.mark.usefixtures("_pairs")
async def test_the_first_rows_are_stored_before_the_last_are_made(units: Units):
    stored_some = asyncio.Event()

    async def some_are_stored() -> bool:
        async with units.begin() as other:
            return bool(await other.session.scalar(text("select sum(tuples_processed) > 0 from pg_stat_progress_copy")))

    async def look() -> None:
        await eventually(some_are_stored)
        stored_some.set()

    def pairs() -> Iterator[bytes]:
        for number in range(1_000_000):
            if stored_some.is_set():
                return
            yield pair(number, "w")
        raise AssertionError("all of them were made first")

    async with units.begin() as unit:
        looking = asyncio.create_task(look())
        await copy_rows(unit.session, "pairs", ("id", "word"), pairs())
        await looking


@pytest.mark.usefixtures("_pairs")
async def test_rows_that_cannot_be_made_leave_nothing_and_a_connection_that_serves(units: Units):
    def pairs() -> Iterator[bytes]:
        for number in count():
            if number == 5_000:
                raise RuntimeError("no more")
            yield pair(number, "w")

    async with units.begin() as unit:
        with pytest.raises(RuntimeError, match="no more"):
            await copy_rows(unit.session, "pairs", ("id", "word"), pairs())
        await unit.session.rollback()
        assert await unit.session.scalar(text("select count(*) from pairs")) == 0


@pytest.mark.usefixtures("_pairs")
@pytest.mark.parametrize("rows", [1, 100_000])
async def test_a_connection_that_is_lost_is_an_unavailable_database(units: Units, rows: int):
    async def copied_by_a_lost_connection() -> None:
        async with units.begin() as unit:
            own = await unit.session.scalar(text("select pg_backend_pid()"))
            async with units.begin() as other:
                await other.session.execute(text("select pg_terminate_backend(:pid)"), {"pid": own})
            await copy_rows(unit.session, "pairs", ("id", "word"), (pair(number, "a") for number in range(rows)))

    with pytest.raises(ServiceUnavailable):
        await copied_by_a_lost_connection()
    assert await stored(units) == 0


@pytest.mark.usefixtures("_pairs")
async def test_a_connection_that_is_lost_meanwhile_is_one_too(units: Units):
    async def copied_until_the_connection_is_lost() -> None:
        async with units.begin() as unit, units.begin() as other:
            own = await unit.session.scalar(text("select pg_backend_pid()"))
            await other.session.execute(text("lock table pairs in exclusive mode"))
            copying_ = asyncio.create_task(
                copy_rows(unit.session, "pairs", ("id", "word"), (pair(number, "a") for number in range(50_000)))
            )
            waits = text("select exists (select from pg_locks where pid = :pid and not granted)")
            await eventually(lambda: other.session.scalar(waits, {"pid": own}))
            await other.session.execute(text("select pg_terminate_backend(:pid)"), {"pid": own})
            await copying_

    with pytest.raises(ServiceUnavailable):
        await copied_until_the_connection_is_lost()
    assert await stored(units) == 0
