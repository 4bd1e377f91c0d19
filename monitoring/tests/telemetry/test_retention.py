"""Each organization's samples are kept and read for as long as its class says."""

from datetime import timedelta

import pytest

from monitoring.organizations.service import OrganizationService
from monitoring.organizations.store import OrganizationStore
from shared.contracts.organizations import OrganizationChanged

from ..worlds import NOON, sample

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def classify(database, telemetry):
    """Tells of an organization's class, and lets the service hear of it at once."""

    async def classify(organization_id, retention, version=1):
        service = OrganizationService(OrganizationStore(database), days={"short": 7, "standard": 30, "long": 90})
        await service.follow(
            [
                OrganizationChanged(
                    organization_id=organization_id,
                    version=version,
                    slug=f"o{organization_id}",
                    name="",
                    state="active",
                    telemetry_retention=retention,
                    created_at=NOON,
                    updated_at=NOON,
                )
            ]
        )
        telemetry._organizations._fresh_until = 0.0

    return classify


async def test_samples_expire_by_their_organizations_class(record, telemetry, register, classify, store, clock):
    await register("brief", organization_id=1)
    await register("usual", organization_id=2)
    await register("patient", organization_id=3)
    await classify(1, "short")
    await classify(3, "long")
    ages = {"brief": (8, 7), "usual": (31, 30), "patient": (91, 90)}
    for uid, (too_old, oldest) in ages.items():
        found = await record(uid, sample(NOON - too_old * DAY, 1), sample(NOON - oldest * DAY, 2), sample(NOON, 3))
        assert (found.stored, found.expired) == (2, 1)
    for _ in range(2):
        clock.advance(DAY)
        await telemetry.drop_past()
    assert sorted(keep for keep, day in await store.days() if day == NOON.date()) == ["long", "short", "standard"]
    assert all(day == NOON.date() for _, day in await store.days())


async def test_a_class_that_changes_cuts_at_once_and_shows_no_sample_twice(record, telemetry, register, classify):
    await register("pump-1")
    samples = [sample(NOON - 10 * DAY + n * HOUR, n) for n in range(4)]
    await record("pump-1", *samples[:3], sample(NOON, 9))
    await classify(1, "long")
    await record("pump-1", *samples[1:])
    page = await telemetry.history(1, "pump-1", limit=2)
    rest = await telemetry.history(1, "pump-1", limit=9, cursor=page.next)
    assert [one.ts for one in [*page.items, *rest.items]] == [NOON - 10 * DAY + n * HOUR for n in range(4)] + [NOON]
    await classify(1, "short", version=2)
    await classify(1, "long", version=1)
    assert [one.ts for one in (await telemetry.history(1, "pump-1", limit=9)).items] == [NOON]
