"""Rollups on a real MongoDB, at a time that stands still."""

from datetime import timedelta

import pytest

from monitoring.rollups.service import MarkKeeper, Roller, RollupService
from monitoring.rollups.store import RollupStore
from monitoring.telemetry.models import Arrival
from monitoring.telemetry.service import TelemetryService
from monitoring.telemetry.store import TelemetryStore


@pytest.fixture
def rollup_store(database) -> RollupStore:
    return RollupStore(database)


@pytest.fixture
def new_telemetry(database, fleet, organizations, rollup_store, clock):
    """Telemetry as another process has it."""

    async def new_telemetry() -> TelemetryService:
        store = TelemetryStore(database)
        await store.prepare(undated_for=timedelta(days=7))
        follower = MarkKeeper(rollup_store, clock=clock)
        return TelemetryService(store, fleet, organizations, clock=clock, follower=follower)

    return new_telemetry


@pytest.fixture
async def telemetry(new_telemetry) -> TelemetryService:
    return await new_telemetry()


@pytest.fixture
def roller(rollup_store, telemetry, clock) -> Roller:
    return Roller(rollup_store, telemetry, clock=clock, minute_days=180, hour_days=1095)


@pytest.fixture
def rollups(rollup_store) -> RollupService:
    return RollupService(rollup_store)


@pytest.fixture
def record(telemetry, clock):
    """Takes in a message of a device, as if it had just come."""

    async def record(uid, *samples, by=telemetry, origin="body-1"):
        arrivals = [Arrival(uid, one, clock.now(), f"{origin}-{index}") for index, one in enumerate(samples)]
        return await by.record(arrivals, messages={uid: 1})

    return record


@pytest.fixture
def settle(telemetry, roller):
    """Folds and rolls up what there is."""

    async def settle():
        await telemetry.fold_news()
        while not await roller.roll():
            pass

    return settle
