import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from .harness import outbox_of, registered


async def rows(engine: AsyncEngine) -> list[tuple[str, str]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text("select subject, type from outbox order by id"))]


@pytest.mark.parametrize("number", [300, 1_000])
async def test_events_are_written_in_their_order(engine: AsyncEngine, tell, number: int):
    uids = [f"pump-{number}" for number in range(number)]
    await tell(*uids)
    assert await rows(engine) == [(f"device/{uid}", "device.registered.v1") for uid in uids]


@pytest.mark.parametrize("number", [1, 1_000])
async def test_without_a_commit_there_is_no_event(engine: AsyncEngine, number: int):
    async with AsyncSession(engine) as session:
        outbox = outbox_of(session)
        for _ in range(number):
            outbox.add(registered("pump-7"))
        await outbox.flush()
    assert await rows(engine) == []


@pytest.mark.parametrize("number", [100, 1_000])
async def test_a_unit_of_many_events_is_one_statement(engine: AsyncEngine, number: int):
    statements: list[str] = []
    sqlalchemy_event.listen(
        engine.sync_engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    async with AsyncSession(engine) as session:
        outbox = outbox_of(session)
        for _ in range(number):
            outbox.add(registered("pump-7"))
        await outbox.flush()
        await session.commit()
    assert len(statements) == 1


async def test_a_unit_without_events_asks_the_database_nothing(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        await outbox_of(session).flush()
        assert not session.in_transaction()


async def test_what_was_flushed_is_not_flushed_again(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        outbox = outbox_of(session)
        outbox.add(registered("a"))
        await outbox.flush()
        outbox.add(registered("b"))
        await outbox.flush()
        await session.commit()
    assert [subject for subject, _ in await rows(engine)] == ["device/a", "device/b"]
