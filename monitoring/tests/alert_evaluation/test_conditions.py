"""When alerts open and when they end: by threshold, rate, silence and absence."""

import pytest

from monitoring.updates.models import Update
from monitoring.updates.store import UpdateStore
from shared.contracts.presence import DeviceDisconnected

from ..worlds import group_state, update_state

HOT = {"kind": "threshold", "metric": "temperature", "above": 80}


async def test_a_value_over_the_limit_opens_one_alert_that_ends_with_it(plant):
    await plant.rule(HOT, severity="critical")
    for value in (70.0, 81.5, 95.0, 99.0):
        await plant.send("pump-1", temperature=value)
    assert await plant.states() == ["active"]
    alert = await plant.newest("pump-1")
    assert (alert.severity, alert.metric, alert.value, alert.threshold) == ("critical", "temperature", 81.5, 80)
    await plant.send("pump-1", temperature=80)
    assert await plant.states() == ["cleared"]
    assert (await plant.newest("pump-1")).clear_reason == "recovered"
    assert [kind for kind, _ in await plant.told()] == ["alert.opened.v1", "alert.cleared.v1"]
    assert [(item.state, item.version) for _, item in plant.shown.items] == [("active", 1), ("cleared", 2)]
    await plant.advance(6)
    assert await plant.watched() == 0


async def test_a_rule_looks_at_its_own_metric_and_organization_alone(plant, register):
    await plant.rule(HOT)
    await register("theirs", organization_id=2)
    await plant.send("pump-1", pressure=99.0)
    await plant.send("pump-1", temperature="hot")
    await plant.only.send("theirs", temperature=99.0, organization_id=2)
    await plant.only.look()
    assert await plant.states() == []


async def test_between_the_limits_an_alert_neither_begins_nor_ends(plant):
    await plant.rule({**HOT, "clear_at": 75})
    await plant.send("pump-1", temperature=78)
    assert await plant.states() == []
    for value in (81, 78, 76):
        await plant.send("pump-1", temperature=value)
    assert await plant.states() == ["active"]
    await plant.send("pump-1", temperature=75)
    assert await plant.states() == ["cleared"]


async def test_a_value_under_the_limit_and_a_boolean(plant):
    await plant.rule({"kind": "threshold", "metric": "level", "below": 10})
    await plant.rule({"kind": "threshold", "metric": "leaking", "above": 0.5})
    await plant.send("pump-1", level=9.5, leaking=True)
    assert await plant.states() == ["active", "active"]


async def test_it_must_hold_for_as_long_as_the_rule_says(plant):
    await plant.rule(HOT, for_s=60)
    await plant.send("pump-1", temperature=90)
    await plant.advance(50)
    assert await plant.states() == []
    await plant.send("pump-1", temperature=70)
    await plant.send("pump-1", temperature=90)
    await plant.advance(50)
    assert await plant.states() == [], "the dip has begun the time anew"
    await plant.advance(11)
    assert await plant.states() == ["active"]


async def test_a_late_sample_undoes_nothing_that_a_newer_one_says(plant):
    await plant.rule(HOT)
    await plant.send("pump-1", temperature=70)
    await plant.send("pump-1", ago=30, temperature=99)
    assert await plant.states() == []
    await plant.send("pump-1", temperature=90)
    await plant.send("pump-1", ago=20, temperature=60)
    assert await plant.states() == ["active"]


async def test_silence_is_an_alert_until_data_come(plant):
    await plant.rule({"kind": "missing", "for_s": 60})
    await plant.send("pump-1", temperature=20)
    await plant.advance(50)
    await plant.send("pump-1", temperature=20)
    await plant.advance(50)
    assert await plant.states() == []
    await plant.advance(11)
    assert await plant.states() == ["active"]
    alert = await plant.newest("pump-1")
    assert alert.threshold == 60
    assert 60 <= alert.value < 65
    await plant.send("pump-1", temperature=20)
    assert await plant.states() == ["cleared"]
    await plant.advance(6)
    await plant.advance(61)
    assert await plant.states() == ["cleared", "active"]


async def test_of_one_metric_that_is_missing_the_others_do_not_tell(plant):
    await plant.rule({"kind": "missing", "metric": "pressure", "for_s": 60})
    await plant.send("pump-1", pressure=3, temperature=20)
    await plant.advance(40)
    await plant.send("pump-1", temperature=20)
    await plant.send("pump-2", temperature=20)
    await plant.advance(30)
    assert await plant.states("pump-1") == ["active"]
    assert await plant.states("pump-2") == [], "it has never reported a pressure"


async def test_silence_goes_by_the_clock_of_the_platform(plant):
    await plant.rule({"kind": "missing", "for_s": 60})
    await plant.send("pump-1", ago=3_000, temperature=20)
    await plant.advance(30)
    await plant.send("pump-1", ago=2_970, temperature=20)
    await plant.advance(50)
    assert await plant.states() == []


async def test_watching_for_silence_costs_a_write_a_device_and_not_a_sample(plant):
    await plant.rule({"kind": "missing", "for_s": 60})
    await plant.send("pump-1", temperature=20)
    before = await plant.store.collection.find_one({"device_uid": "pump-1"})
    for value in range(20):
        await plant.send("pump-1", temperature=value)
    assert await plant.store.collection.find_one({"device_uid": "pump-1"}) == before


async def test_a_device_that_stays_away_is_an_alert_until_it_is_back(plant):
    await plant.rule({"kind": "presence", "offline_s": 30})
    await plant.connect("pump-1", online=True, version=1)
    await plant.connect("pump-1", online=False, version=2)
    await plant.advance(20)
    await plant.connect("pump-1", online=True, version=3)
    await plant.connect("pump-1", online=False, version=4)
    await plant.advance(20)
    assert await plant.states() == []
    await plant.advance(11)
    assert await plant.states() == ["active"]
    await plant.connect("pump-1", online=True, version=5)
    assert await plant.states() == ["cleared"]


async def test_news_of_presence_in_the_wrong_order_change_nothing(plant):
    await plant.rule({"kind": "presence", "offline_s": 0})
    await plant.connect("pump-1", online=False, version=2, heard=False)
    await plant.connect("pump-1", online=True, version=3)
    await plant.only.watch.follow([])
    late = DeviceDisconnected(organization_id=1, version=2, device_uid="pump-1", online=False, since=plant.now())
    await plant.only.watch.follow([late])
    await plant.only.look()
    assert await plant.states() == []


async def test_a_value_that_moves_too_fast_is_an_alert(plant):
    await plant.rule({"kind": "rate", "metric": "temperature", "window_s": 60, "above": 10})
    for value in (20, 24, 29):
        await plant.send("pump-1", temperature=value)
        await plant.advance(10)
    assert await plant.states() == []
    await plant.send("pump-1", temperature=31)
    assert await plant.states() == ["active"]
    assert (await plant.newest("pump-1")).value == pytest.approx(11)
    await plant.advance(31)
    await plant.advance(31)
    assert await plant.states() == ["cleared"], "nothing has moved in the window since"


async def test_two_workers_that_share_a_devices_samples_see_it_move(plant):
    await plant.rule({"kind": "rate", "metric": "temperature", "window_s": 60, "below": -5})
    other = plant.worker(plant)
    await plant.send("pump-1", ago=10, temperature=20)
    await other.send("pump-1", temperature=14)
    await other.look()
    assert await plant.states() == ["active"]


async def test_of_samples_that_two_workers_share_each_compares_with_what_it_has_seen_itself(plant):
    """The bound of rates on the stream: who has not seen the old value lets the new one pass, until one who has

    gets a sample. What is looked at for any reason is judged by the store, where all of it is.
    """
    await plant.rule({"kind": "rate", "metric": "temperature", "window_s": 60, "above": 10})
    other = plant.worker(plant)
    await plant.send("pump-1", ago=30, temperature=20)
    for ago, value in ((25, 25), (20, 32)):
        await other.send("pump-1", ago=ago, temperature=value)
        await other.look()
    assert await plant.states() == []
    await plant.send("pump-1", ago=10, temperature=32)
    assert await plant.states() == ["active"]
    assert (await plant.newest("pump-1")).value == pytest.approx(12)


async def test_one_look_at_many_rates_asks_once_where_samples_lie(plant, monkeypatch):
    await plant.rule({"kind": "rate", "metric": "temperature", "window_s": 60, "above": 10})
    asked, shelves = [], plant.telemetry.shelves

    async def counted():
        asked.append(1)
        return await shelves()

    monkeypatch.setattr(plant.telemetry, "shelves", counted)
    for ago, value in ((10, 20), (0, 40)):
        await plant.only.send_all(["pump-1", "pump-2", "pump-3"], ago=ago, temperature=value)
    await plant.only.judge.look()
    assert await plant.states() == ["active"] * 3
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        (None, {"pump-1", "pump-2", "pump-3"}),
        ({"device_uids": ["pump-2"]}, {"pump-2"}),
        ({"group_id": 7}, {"pump-1"}),
        ({"rql": 'eq(attributes/zone,"north")'}, {"pump-3"}),
    ],
)
async def test_a_rule_means_the_devices_of_its_scope(plant, register, scope, found):
    await plant.fleet.follow_groups([group_state(7)])
    await register("pump-1", version=2, group_ids=[7])
    await register("pump-3", version=2, attributes={"zone": "north"})
    await plant.rule(HOT, scope=scope)
    await plant.only.send_all(["pump-1", "pump-2", "pump-3"], temperature=99)
    await plant.only.look()
    page = await plant.alerts.page(1, cursor=None, limit=10)
    assert {alert.device_uid for alert in page.items} == found


@pytest.mark.parametrize("after", [{"group_ids": []}, {"lifecycle": "retired"}, {"lifecycle": "purged"}])
async def test_an_alert_of_a_device_that_left_ends(plant, register, after):
    await plant.fleet.follow_groups([group_state(7)])
    await register("pump-1", version=2, group_ids=[7])
    await plant.rule(HOT, scope={"group_id": 7})
    await plant.send("pump-1", temperature=99)
    await register("pump-1", version=3, **{"group_ids": [7], **after})
    await plant.advance(601)
    assert await plant.states() == ["cleared"]
    assert (await plant.newest("pump-1")).clear_reason == "device"


async def test_an_alert_is_tied_to_the_release_that_was_touching_the_device(plant, database):
    state = update_state("pump-1", state="flashed")
    await UpdateStore(database).put_newer(
        [
            Update(
                device_uid=state.device_uid,
                organization_id=1,
                session_id="session-1",
                counter=1,
                version=1,
                state=state.state,
                progress=None,
                firmware_name="f",
                firmware_version="2",
                error=None,
                updated_at=plant.now(),
                release="rel-1",
            )
        ]
    )
    await plant.rule(HOT)
    await plant.send("pump-1", temperature=99)
    await plant.send("pump-2", temperature=99)
    alert = await plant.newest("pump-1")
    assert (alert.release, alert.session_id) == ("rel-1", "session-1")
    assert (await plant.newest("pump-2")).session_id is None
