"""Units of work on a fresh database."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from shared.clock import SystemClock
from shared.ids import RandomIds
from shared.sql.unit_of_work import Units


@pytest.fixture
async def units(postgres_url: str) -> AsyncIterator[Units]:
    engine = create_async_engine(postgres_url.replace("postgresql://", "postgresql+asyncpg://"))
    yield Units(engine, source="/test", clock=SystemClock(), ids=RandomIds())
    await engine.dispose()
