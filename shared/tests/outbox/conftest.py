"""A database with the outbox and the inbox, and events to put into it."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from shared.outbox.table import add_tables

from .harness import Recorded, outbox_of, registered


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
