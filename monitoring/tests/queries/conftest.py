"""Samples of a few devices over a day, rolled up, and the api before them."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.rollups.service import MarkKeeper, Roller
from monitoring.rollups.store import RollupStore
from monitoring.telemetry.models import Arrival
from monitoring.telemetry.service import TelemetryService
from monitoring.telemetry.store import TelemetryStore
from shared.clock import SystemClock

from ..worlds import sample


@pytest.fixture
def hour() -> datetime:
    """The beginning of an hour some hours ago, with all of its day before now."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)


@pytest.fixture
async def keep(database, fleet, organizations):
    """Takes in samples and rolls them up, as the worker does."""
    store, rollups = TelemetryStore(database), RollupStore(database)
    await store.prepare(undated_for=timedelta(days=7))
    clock = SystemClock()
    follower = MarkKeeper(rollups, clock=clock)
    service = TelemetryService(store, fleet, organizations, clock=clock, follower=follower)
    roller = Roller(rollups, service, clock=clock, minute_days=180, hour_days=1095)

    async def keep(samples):
        now = datetime.now(UTC)
        arrivals = [
            Arrival(uid, one, now, f"o-{uid}-{n}") for uid, found in samples.items() for n, one in enumerate(found)
        ]
        await service.record(arrivals, messages=dict.fromkeys(samples, 1))
        await service.fold_news()
        while not await roller.roll():
            pass

    return keep


@pytest.fixture
async def fleet_of_three(register, keep, hour):
    """pump-1, -2 and -3 of organization 1: sixty minutes of n + minute / 100; valve of organization 2."""
    await register("pump-1", "pump-2", "pump-3", attributes={"line": "a"}, group_ids=[7])
    await register("idle-1")
    await register("valve", organization_id=2)
    await keep(
        {
            uid: [
                sample(hour + timedelta(minutes=minute), minute, temperature=number + minute / 100, on=minute % 2 == 0)
                for minute in range(60)
            ]
            for number, uid in enumerate(("pump-1", "pump-2", "pump-3", "valve"), start=1)
        }
    )
