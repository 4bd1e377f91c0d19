"""Telemetry on a real MongoDB, at a time that stands still."""

from datetime import timedelta

import pytest

from monitoring.telemetry.models import Arrival
from monitoring.telemetry.service import TelemetryService
from monitoring.telemetry.store import TelemetryStore


@pytest.fixture
async def store(database) -> TelemetryStore:
    store = TelemetryStore(database)
    await store.prepare(undated_for=timedelta(days=7))
    return store


@pytest.fixture
def telemetry(store, fleet, organizations, clock) -> TelemetryService:
    return TelemetryService(store, fleet, organizations, clock=clock)


@pytest.fixture
def record(telemetry, clock):
    """Records samples of a device as if they had just come in."""

    async def record(uid, *samples, origin="body-1"):
        return await telemetry.record(
            [Arrival(uid, one, clock.now(), f"{origin}-{index}") for index, one in enumerate(samples)]
        )

    return record
