"""What people's changes do to what is watched: of rules, and of alerts."""

import asyncio
from datetime import timedelta

import pytest

from monitoring.alert_rules.schemas import AlertRuleChange
from monitoring.alerts.errors import AlertIsCleared
from shared.http.preconditions import Expected, Stale

HOT = {"kind": "threshold", "metric": "temperature", "above": 80}
ANY = Expected()


async def test_a_rule_counts_for_what_holds_already(plant):
    await plant.send("pump-1", temperature=99)
    await plant.send("pump-2", temperature=20)
    await plant.connect("pump-3", online=True, version=1)
    await plant.connect("pump-3", online=False, version=2)
    await plant.rule(HOT)
    await plant.rule({"kind": "presence", "offline_s": 0})
    await plant.rule({"kind": "missing", "for_s": 60})
    assert (await plant.states("pump-1"), await plant.states("pump-3")) == (["active"], ["active"])
    await plant.advance(61)
    assert await plant.states("pump-2") == ["active"]


@pytest.mark.parametrize("end", ["delete", "disable", "raise"])
async def test_alerts_end_with_their_rule(plant, end):
    rule = await plant.rule(HOT)
    await plant.send("pump-1", temperature=90)
    if end == "delete":
        await plant.rules.delete(1, rule.id, expected=ANY)
    else:
        change = {"enabled": False} if end == "disable" else {"condition": {**HOT, "above": 95}}
        await plant.rules.change(1, rule.id, AlertRuleChange.model_validate(change), expected=ANY)
    await plant.sweep()
    assert (await plant.newest("pump-1")).clear_reason == ("recovered" if end == "raise" else "rule")
    await plant.send("pump-1", temperature=91)
    await plant.advance(6)
    assert await plant.states() == ["cleared"]
    assert await plant.watched() == 0


async def test_a_silenced_rule_opens_nothing_and_what_still_holds_then_does(plant):
    rule = await plant.rule(HOT)
    await plant.rules.silence(1, rule.id, plant.now() + timedelta(seconds=100), expected=ANY)
    await plant.send("pump-1", temperature=99)
    await plant.send("pump-2", temperature=99)
    await plant.advance(50)
    await plant.send("pump-2", temperature=20)
    assert await plant.states() == []
    await plant.advance(51)
    assert (await plant.states("pump-1"), await plant.states("pump-2")) == (["active"], [])


async def test_a_silence_that_is_lifted_lets_alerts_open_at_once(plant):
    rule = await plant.rule(HOT)
    await plant.rules.silence(1, rule.id, plant.now() + timedelta(hours=1), expected=ANY)
    await plant.send("pump-1", temperature=99)
    await plant.rules.silence(1, rule.id, None, expected=ANY)
    await plant.sweep()
    assert await plant.states() == ["active"]


async def test_an_alert_that_a_person_cleared_opens_anew_only_after_its_condition_was_over(plant):
    await plant.rule(HOT)
    await plant.send("pump-1", temperature=99)
    await plant.clear((await plant.newest("pump-1")).id)
    for value in (98, 97):
        await plant.send("pump-1", temperature=value)
        await plant.advance(700)
    assert await plant.states() == ["cleared"]
    assert (await plant.newest("pump-1")).clear_reason == "person"
    await plant.send("pump-1", temperature=20)
    await plant.send("pump-1", temperature=99)
    await plant.advance(6)
    assert await plant.states() == ["cleared", "active"]


async def test_a_person_and_the_end_of_the_condition_race_and_one_of_them_clears(plant):
    await plant.rule(HOT)
    for _ in range(5):
        await plant.send("pump-1", temperature=99)
        await plant.advance(6)
        alert = await plant.newest("pump-1")
        assert alert.state == "active"
        await plant.only.send("pump-1", temperature=20)
        clearing = plant.alerts.clear(1, alert.id, by="7", expected=ANY)
        outcomes = await asyncio.gather(clearing, plant.only.look(), return_exceptions=True)
        assert all(outcome is None or not isinstance(outcome, Exception) for outcome in outcomes[1:])
        assert not isinstance(outcomes[0], Exception) or isinstance(outcomes[0], AlertIsCleared)
        await plant.only.look()
        told = [kind for kind, alert_id in await plant.told() if alert_id == alert.id]
        assert told == ["alert.opened.v1", "alert.cleared.v1"]


async def test_acknowledging_is_done_once_and_an_alert_still_ends_by_itself(plant):
    await plant.rule(HOT)
    await plant.send("pump-1", temperature=99)
    alert = await plant.newest("pump-1")
    first = await plant.alerts.acknowledge(1, alert.id, by="7", expected=Expected(frozenset({"1"})))
    assert (first.acknowledged_by, first.version) == ("7", 2)
    assert (await plant.alerts.acknowledge(1, alert.id, by="8", expected=ANY)).acknowledged_by == "7"
    with pytest.raises(Stale):
        await plant.alerts.acknowledge(1, alert.id, by="8", expected=Expected(frozenset({"1"})))
    await asyncio.gather(*(plant.alerts.comment(1, alert.id, f"word {n}", by="8") for n in range(8)))
    await plant.send("pump-1", temperature=20)
    after = await plant.alerts.get(1, alert.id)
    assert (after.state, after.version) == ("cleared", 11)
    assert sorted(comment.text for comment in after.comments) == [f"word {n}" for n in range(8)]
    with pytest.raises(AlertIsCleared):
        await plant.alerts.acknowledge(1, alert.id, by="8", expected=ANY)
    kinds = [kind for kind, _ in await plant.told()]
    assert kinds == ["alert.opened.v1", "alert.acknowledged.v1", *["alert.commented.v1"] * 8, "alert.cleared.v1"]
