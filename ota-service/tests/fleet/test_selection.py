"""Which devices of the copy a selection comes to."""

from datetime import UTC, datetime

import pytest

from ota_service.fleet.consumers import FleetConsumer
from ota_service.fleet.errors import GroupNotFound
from ota_service.fleet.schemas import Selection
from ota_service.fleet.service import SelectionService
from shared.contracts.devices import DevicePurged, DeviceSnapshot
from shared.contracts.envelope import Envelope
from shared.contracts.groups import GroupChanged, GroupCreated, GroupDeleted
from shared.ids import RandomIds
from shared.rql.errors import BadQuery

AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def hear(app):
    consumer = FleetConsumer(app.state.scopes)

    async def hear(*states):
        await consumer(
            [
                Envelope(
                    id=RandomIds().new(),
                    source="/device-management",
                    type=state.type,
                    subject=state.subject(),
                    time=AT,
                    organizationid=state.organization_id,
                    data=state.model_dump(mode="json"),
                )
                for state in states
            ]
        )

    return hear


def device(number, *, kind=DeviceSnapshot, version=1, organization_id=1, **differs):
    return kind(
        organization_id=organization_id,
        version=version,
        device_id=number,
        device_uid=f"pump-{number}",
        registered_at=AT,
        updated_at=AT,
        **({"lifecycle": "deployed", "min_token_generation": 1} | differs),
    )


def group(kind=GroupCreated, *, version=1, group_id=1, name="north", organization_id=1, rql=None):
    return kind(
        organization_id=organization_id,
        version=version,
        group_id=group_id,
        name=name,
        kind="fixed" if rql is None else "query",
        rql=rql,
        created_at=AT,
        updated_at=AT,
    )


@pytest.fixture
def choose(app):
    async def choose(*, after=None, limit=100, organization_id=1, **selection):
        async with app.state.scopes() as scope:
            chosen = await scope.get(SelectionService).choose(
                organization_id, Selection(**selection), after=after, limit=limit
            )
        return [device.device_uid for device in chosen]

    return choose


async def test_by_uid_and_by_id_and_what_is_not_there_is_left_out(hear, choose):
    await hear(device(1), device(2), device(3), device(4, organization_id=2))
    assert await choose(uids=["pump-2", "1", "4", "pump-4", "nothing", "9" * 30]) == ["pump-1", "pump-2"]


async def test_by_query_with_the_names_that_devices_have_elsewhere(hear, choose):
    await hear(device(1, attributes={"room": "a"}, serial_number="S-1"), device(2, attributes={"room": "b"}))
    assert await choose(rql='eq(attributes/room,"b")') == ["pump-2"]
    assert await choose(rql='and(eq(id,1),eq(serial_number,"S-1"),gt(registered_at,"2026-01-01T00:00:00Z"))') == [
        "pump-1"
    ]
    with pytest.raises(BadQuery) as refused:
        await choose(rql='eq(status,"idle")')
    assert refused.value.position == 3


async def test_by_a_fixed_group_as_its_members_said_last(hear, choose):
    await hear(group(), device(1, group_ids=[1]), device(2, group_ids=[1, 2]), device(3))
    assert await choose(group_id=1) == ["pump-1", "pump-2"]
    await hear(device(1, version=2), device(3, version=2, group_ids=[1]))
    assert await choose(group_id=1) == ["pump-2", "pump-3"]


async def test_by_a_query_group_with_the_query_that_it_has_now(hear, choose):
    await hear(group(rql='eq(device_uid,"pump-1")'), device(1), device(2))
    assert await choose(group_id=1) == ["pump-1"]
    await hear(group(GroupChanged, version=2, rql='eq(device_uid,"pump-2")'))
    assert await choose(group_id=1) == ["pump-2"]


async def test_a_deleted_group_is_gone_and_older_news_do_not_revive_it(hear, choose, app):
    await hear(device(1, group_ids=[1]), group(GroupDeleted, version=2), group())
    with pytest.raises(GroupNotFound):
        await choose(group_id=1)
    async with app.state.scopes() as scope:
        with pytest.raises(GroupNotFound):
            await scope.get(SelectionService).group(1, "north")


async def test_a_group_is_found_by_its_name_within_its_organization(hear, app):
    await hear(group(), group(group_id=2, organization_id=2, name="south"))
    async with app.state.scopes() as scope:
        selections = scope.get(SelectionService)
        assert await selections.group(1, "north") == await selections.group(1, 1) == 1
        for reference in ("south", 2):
            with pytest.raises(GroupNotFound):
                await selections.group(1, reference)


async def test_by_site_in_pages_without_the_purged(hear, choose):
    await hear(*(device(number, site_id=7) for number in (1, 2, 3)), device(4, site_id=8))
    await hear(device(2, kind=DevicePurged, version=2, lifecycle="purged", site_id=7))
    first = await choose(site_id=7, limit=1)
    assert (first, await choose(site_id=7, after=first[-1])) == (["pump-1"], ["pump-3"])


async def test_counting_goes_no_further_than_it_must(hear, app):
    await hear(*(device(number) for number in range(1, 6)))
    async with app.state.scopes() as scope:
        selections = scope.get(SelectionService)
        assert await selections.count(1, Selection(rql="exists(id)"), limit=3) == 3
        assert await selections.count(1, Selection(rql="exists(id)"), limit=9) == 5
