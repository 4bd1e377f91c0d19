"""Devices that come later join a running release which asks for it as soon as the copy of the fleet has them."""

import pytest

from ota_service.fleet.consumers import FleetConsumer
from ota_service.waves.consumers import LateJoiners
from ota_service.waves.service import WaveService
from shared.contracts.devices import DeviceRegistered
from shared.contracts.groups import GroupChanged, GroupDeleted, GroupState

from ..conftest import AT
from ..news import envelope


@pytest.fixture
def hear(app):
    return FleetConsumer(app.state.scopes, LateJoiners(app.state.scopes))


@pytest.fixture
def members(sql):
    async def members() -> list[str]:
        """Who has joined, beyond those that the release began with."""
        query = "select device_uid from release_devices d join releases r on r.id = d.release_id "
        rows = await sql.fetch(query + "where d.joined_at > r.started_at order by 1")
        return [row["device_uid"] for row in rows]

    return members


def registered(uid, *, organization_id=1):
    return envelope(
        DeviceRegistered(
            organization_id=organization_id,
            version=1,
            device_id=900,
            device_uid=uid,
            lifecycle="deployed",
            min_token_generation=1,
            registered_at=AT,
            updated_at=AT,
        )
    )


def group(rql, *, version=1, kind: type[GroupState] = GroupChanged):
    return envelope(
        kind(
            organization_id=1,
            version=version,
            group_id=5,
            name="late",
            kind="query",
            rql=rql,
            created_at=AT,
            updated_at=AT,
        )
    )


async def test_a_device_joins_with_the_news_of_it_once_however_often_it_is_told(
    started, hear, members, steps, finish, look
):
    await started(50, 50, join_late=True)
    news = [registered("pump-90"), registered("valve-1"), registered("pump-91", organization_id=2)]
    await hear(news)
    await hear([*news, *news])
    assert await members() == ["pump-90"]
    assert [wave["progress"]["devices"] for wave in (await look())["waves"]] == [10, 11]
    for _ in range(2):
        await finish()
        await steps()
        await steps()
    assert (await look())["progress"]["succeeded"] == 21


async def test_a_release_that_nobody_could_join_at_the_news_is_joined_at_its_next_look(
    started, hear, members, steps, sql, monkeypatch
):
    await started(50, 50, join_late=True)

    async def fails(service, organization_id, uids):
        raise KeyError("a defect")

    monkeypatch.setattr(WaveService, "join", fails)
    await hear([registered("pump-90")])
    assert await members() == []
    await sql.execute("update releases set joined_at = now() - interval '1 minute'")
    await steps()
    assert await members() == ["pump-90"]


async def test_nobody_joins_one_that_does_not_run_or_does_not_ask_for_it(draw_up, started, act, hear, members):
    await started(50, 50)
    await draw_up(50, 50, slug="rel-2", join_late=True)
    await started(50, 50, slug="rel-3", join_late=True)
    await act("pause", name="rel-3")
    await hear([registered("pump-90")])
    assert await members() == []


async def test_devices_that_a_group_finds_now_join_and_a_deleted_group_holds_nothing_up(
    started, hear, members, steps, look, sql
):
    await hear([group('eq(device_uid,"pump-01")'), registered("valve-1")])
    await started(100, join_late=True, clusters=[{"group_id": 5}])
    await hear([group("in(device_uid,'pump-01','valve-1')", version=2)])
    assert await members() == ["valve-1"]
    await hear([group(None, version=3, kind=GroupDeleted), registered("pump-90")])
    await sql.execute("update releases set joined_at = now() - interval '1 minute'")
    await steps()
    assert (await look())["progress"]["in_progress"] == 2
    assert await members() == ["valve-1"]
