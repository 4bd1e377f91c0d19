import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.cancellation import end
from shared.outbox.relay import Relay
from shared.testing import eventually

from .harness import Recorded


async def test_a_relay_hears_for_others_what_commits_notify_of(
    engine: AsyncEngine, engine_url: str, recorded: Recorded
):
    heard = asyncio.Event()
    relay = asyncio.create_task(Relay(engine_url, recorded, also={"jobs": heard.set}).run())

    async def notified() -> bool:
        async with engine.begin() as connection:
            await connection.execute(text("notify jobs"))
        return heard.is_set()

    try:
        await eventually(notified)
    finally:
        await end([relay])
