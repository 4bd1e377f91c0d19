"""What is not rolled up yet is read from the samples, once, and of no more devices than an answer can bear."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from monitoring.fleet.service import FleetService
from monitoring.organizations.service import OrganizationService
from monitoring.rollups import service
from monitoring.rollups.models import DAY, HOUR, MINUTE
from monitoring.rollups.service import FreshRollups
from monitoring.rollups.store import RollupStore
from monitoring.telemetry.models import Arrival
from monitoring.telemetry.service import TelemetryService
from monitoring.telemetry.store import TelemetryStore
from shared.clock import FixedClock, SystemClock
from shared.contracts.telemetry import TelemetrySample
from shared.mongo.client import Database

Buckets = list[tuple[timedelta, int, float | None]]
Read = Callable[..., Awaitable[Buckets]]
Record = Callable[..., Awaitable[Any]]
Settle = Callable[[], Awaitable[None]]


def warm(at: datetime, seq: int, temperature: float) -> TelemetrySample:
    return TelemetrySample(ts=at.isoformat(), seq=seq, metrics={"temperature": temperature})


@pytest.fixture
def fresh(rollup_store: RollupStore, telemetry: TelemetryService, clock: FixedClock) -> FreshRollups:
    return FreshRollups(rollup_store, telemetry, clock=clock, lag=timedelta(seconds=150))


@pytest.fixture
def noon(clock: FixedClock) -> datetime:
    return clock.now()


@pytest.fixture
def read(fresh: FreshRollups, noon: datetime) -> Read:
    """Beginning, count and mean of each bucket of the temperature, up to the present minute or hour."""

    async def read(unit: timedelta, *uids: str) -> Buckets:
        found = fresh.summaries(unit, uids or ["pump-1"], noon - 2 * DAY, noon + unit, metrics={"temperature"})
        return [(at - noon, one["temperature"].count, one["temperature"].mean) async for _, at, one in found]

    return read


def seconds(*numbers: float) -> Sequence[timedelta]:
    return [timedelta(seconds=number) for number in numbers]


async def test_what_is_not_rolled_up_yet_is_made_of_its_samples_and_counts_once(
    record: Record, settle: Settle, read: Read, fresh: FreshRollups, noon: datetime
):
    long_ago, lately, then = seconds(4_000, 90, 89)
    await record("pump-1", warm(noon - long_ago, 1, 1.0), warm(noon - lately, 2, 1.0))
    await settle()
    await record("pump-1", warm(noon - then, 3, 3.0), warm(noon, 4, 5.0))
    for _ in range(2):
        assert await read(MINUTE) == [(-67 * MINUTE, 1, 1.0), (-2 * MINUTE, 2, 2.0), (0 * MINUTE, 1, 5.0)]
        assert await read(HOUR) == [(-2 * HOUR, 1, 1.0), (-HOUR, 2, 2.0), (0 * HOUR, 1, 5.0)]
        whole = fresh.rollups(HOUR, ["pump-1"], noon - HOUR, noon + HOUR, metrics=None)
        medians = [one["temperature"].quantile(0.5) async for _, _, one in whole]
        assert medians == [pytest.approx(1.0, rel=0.01), pytest.approx(5.0, rel=0.01)]
        await settle()


async def test_a_device_that_reports_for_the_first_time_is_there_with_the_whole_of_its_last_day(
    record: Record, settle: Settle, read: Read, noon: datetime
):
    await record("pump-1", *(warm(noon - n * 5 * HOUR, n, float(n)) for n in range(5)))
    found = [(-5 * n * HOUR, 1, float(n)) for n in range(4, -1, -1)]
    assert await read(MINUTE) == await read(HOUR) == found
    await settle()
    assert await read(MINUTE) == await read(HOUR) == found


async def test_of_many_devices_and_of_many_samples_no_more_is_read(
    record: Record, settle: Settle, read: Read, noon: datetime, monkeypatch: pytest.MonkeyPatch
):
    await record("pump-1", *(warm(noon - age, n, 1.0) for n, age in enumerate(seconds(*range(6)))))
    monkeypatch.setattr(service, "_FRESH_SAMPLES", 4)
    assert sum(count for _, count, _ in await read(MINUTE)) == 4
    monkeypatch.setattr(service, "_FRESH_DEVICES", 1)
    assert await read(MINUTE, "pump-1", "pump-2") == []
    await settle()
    assert sum(count for _, count, _ in await read(MINUTE, "pump-1", "pump-2")) == 6


async def test_who_registers_a_device_and_publishes_finds_it_in_every_answer(
    reader: httpx.AsyncClient,
    register: Record,
    database: Database,
    fleet: FleetService,
    organizations: OrganizationService,
):
    await register("new-1")
    store, now = TelemetryStore(database), datetime.now(UTC)
    await store.prepare(undated_for=DAY)
    telemetry = TelemetryService(store, fleet, organizations, clock=SystemClock())
    await telemetry.record([Arrival("new-1", warm(now, 1, 4.5), now, "o")], messages={"new-1": 1})
    for scope in ({"device_uid": "new-1"}, {"rql": 'eq(device_uid,"new-1")'}, {"points": "10"}):
        [line] = (await reader.get("/monitoring/data", params=scope)).json()["series"]
        assert (line["metric"], line["count"], line["last"]) == ("temperature", [1], [4.5]), scope
    [item] = (await reader.get("/monitoring/stats", params={"device_uid": "new-1"})).json()["items"]
    assert (item["count"], item["p50"], item["last"]) == (1, 4.5, 4.5)
    [best] = (await reader.get("/api/v2/telemetry/ranking", params={"metric": "temperature"})).json()["items"]
    assert (best["device_uid"], best["value"]) == ("new-1", 4.5)
