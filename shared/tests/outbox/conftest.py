"""A database with the outbox and the inbox, and events and commands to put into it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import aiormq
import pytest
from aiormq.abc import AbstractChannel
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.outbox.commands import Command
from shared.outbox.table import add_tables

from .devices import HOUR
from .harness import Recorded, outbox_of, registered

_COUNT_COMMANDS = "select count(*) from device_commands where "


@pytest.fixture
def engine_url(postgres_url: str) -> str:
    return postgres_url.replace("postgresql://", "postgresql+asyncpg://", 1)


@pytest.fixture
async def engine(engine_url: str) -> AsyncGenerator[AsyncEngine]:
    metadata = MetaData()
    add_tables(metadata)
    engine = create_async_engine(engine_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
def tell(engine: AsyncEngine) -> Callable[..., Awaitable[None]]:
    """Commits one unit that tells of these devices."""

    async def commit(*uids: str) -> None:
        async with AsyncSession(engine) as session:
            outbox = outbox_of(session)
            for uid in uids:
                outbox.add(registered(uid))
            await outbox.flush()
            await session.commit()

    return commit


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
async def ask(engine: AsyncEngine):
    """Commits one unit with commands; each is a uid and a type."""

    async def commit(*commands: tuple[str, str], within: timedelta = HOUR) -> list[UUID]:
        ids = [uuid4() for _ in commands]
        async with AsyncSession(engine) as session:
            outbox = outbox_of(session)
            for command_id, (uid, kind) in zip(ids, commands, strict=True):
                outbox.command(Command(uid, command_id, kind, {"n": 1}, datetime.now(UTC) + within))
            await outbox.flush()
            await session.commit()
        return ids

    return commit


@pytest.fixture
def waiting(engine: AsyncEngine):
    """How many commands wait, of those that the condition is true for."""

    async def count(condition: str = "true") -> int:
        async with engine.connect() as connection:
            return await connection.scalar(text(_COUNT_COMMANDS + condition)) or 0

    return count


@pytest.fixture
async def broker(amqp_url: str) -> AsyncGenerator[Broker]:
    async with Broker.open(amqp_url, name="test") as opened:
        await topology.declare(opened, broker_events=None)
        yield opened


@pytest.fixture
async def channel(amqp_url: str) -> AsyncGenerator[AbstractChannel]:
    connection = await aiormq.connect(amqp_url)
    yield await connection.channel()
    await connection.close()
