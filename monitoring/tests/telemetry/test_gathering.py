"""Of a service as it is wired: the latest are gathered for five minutes at most, and shown while they are."""

from datetime import timedelta

import pytest

from monitoring import bootstrap
from monitoring.bootstrap import open_core
from monitoring.telemetry.models import Arrival

from ..worlds import NOON, sample

STEP = timedelta(seconds=20)
FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
async def core(settings, clock, monkeypatch):
    monkeypatch.setattr(bootstrap, "SystemClock", lambda: clock)
    async with open_core(settings, process="test") as core:
        await core.telemetry_store.prepare(undated_for=timedelta(days=7))
        yield core


async def test_while_news_keep_coming_none_is_gathered_for_longer_and_the_newest_is_shown(
    core, register, database, clock
):
    await register("busy-1", "quiet-1")

    async def shown():
        found = (await core.telemetry.latest(1, limit=10)).items
        return {one.device_uid: one.metrics["temperature"].value for one in found}

    async def in_its_document():
        documents = await database["latest"].find().to_list(None)
        return {one["_id"]: one["metrics"]["temperature"]["value"] for one in documents}

    since, newest, folded = NOON, {}, []
    for number in range(32):
        uids = ["busy-1", "quiet-1"] if number == 0 else ["busy-1"]
        newest |= dict.fromkeys(uids, float(number))
        one = sample(clock.now(), number, temperature=float(number))
        await core.telemetry.record([Arrival(uid, one, clock.now(), "") for uid in uids])
        assert await shown() == newest
        await core.telemetry.fold_news()
        assert await shown() == newest
        waiting = [news["since"] for news in await database["latest_news"].find().to_list(None)]
        if waiting:
            assert waiting == [since]
            assert clock.now() - since < FIVE_MINUTES
        else:
            assert clock.now() - since >= FIVE_MINUTES
            assert await in_its_document() == newest
            folded.append(clock.now() - NOON)
            since = clock.now() + STEP
        clock.advance(STEP)
    assert folded == [FIVE_MINUTES, 2 * FIVE_MINUTES + STEP]
