"""Alert rules and alerts over REST: what they take, what they refuse, and how they are changed."""

import pytest

from shared.contracts.groups import GroupDeleted
from shared.testing import eventually

from ..worlds import group_state

HOT = {"kind": "threshold", "metric": "temperature", "above": 80.5, "clear_at": 75}
RULES = "/api/v2/alert-rules"


@pytest.fixture
async def person(anyone, credentials):
    """May read and change what there is about alerts in organization 1."""
    token = credentials.person("telemetry:read", "alerts:write", organization_id=1)
    anyone.headers["Authorization"] = f"Bearer {token}"
    return anyone


async def made(person, **members):
    answer = await person.post(RULES, json={"name": "Too hot", "condition": HOT, **members})
    assert answer.status_code == 201, answer.text
    return answer


async def test_a_rule_is_made_read_changed_and_deleted_by_version(person):
    answer = await made(person, severity="critical", for_s=30)
    rule = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert (rule["condition"], rule["scope"], rule["for_s"]) == (HOT, None, 30)
    path = f"{RULES}/{rule['id']}"
    changed = await person.patch(path, json={"name": "Hot", "enabled": False}, headers={"If-Match": '"1"'})
    assert (changed.json()["name"], changed.json()["version"], changed.headers["etag"]) == ("Hot", 2, '"2"')
    stale = await person.patch(path, json={"name": "Cold"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert (await person.get(path)).json() == changed.json()
    assert (await person.delete(path, headers={"If-Match": '"2"'})).status_code == 204
    assert (await person.get(path)).status_code == 404
    assert (await person.get(RULES)).json()["items"] == []


async def test_rules_come_in_pages_oldest_first(person):
    names = [(await made(person, name=f"rule {number}")).json()["name"] for number in range(5)]
    seen, cursor = [], None
    while True:
        page = (await person.get(RULES, params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [rule["name"] for rule in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == names


async def test_the_same_request_makes_one_rule(person):
    first, again = [
        await person.post(RULES, json={"name": "n", "condition": HOT}, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert first.json() == again.json()
    other = await person.post(RULES, json={"name": "m", "condition": HOT}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_the_same_request_is_answered_whatever_has_happened_since(person, fleet, monkeypatch):
    await fleet.follow_groups([group_state(7)])
    body = {"name": "n", "condition": HOT, "scope": {"group_id": 7}}
    first = await person.post(RULES, json=body, headers={"Idempotency-Key": "k"})
    await fleet.follow_groups([group_state(7, version=9, kind=GroupDeleted)])
    monkeypatch.setattr("monitoring.alert_rules.service.MAX_RULES", 1)
    again = await person.post(RULES, json=body, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (201, first.json())
    assert (await person.post(RULES, json={"name": "m", "condition": HOT})).json()["code"] == "too_many_alert_rules"


async def test_a_dry_run_counts_the_devices_and_makes_nothing(person, register, fleet):
    await fleet.follow_groups([group_state(7)])
    await register("pump-1", group_ids=[7])
    await register("pump-2")
    for scope, devices in ((None, 2), ({"group_id": 7}, 1), ({"rql": 'like(device_uid,"pump-*")'}, 2)):
        body = {"name": "n", "condition": HOT, "scope": scope}
        answer = await person.post(RULES, params={"dry_run": True}, json=body)
        assert (answer.status_code, answer.json()) == (200, {"devices": devices})
    assert (await person.get(RULES)).json()["items"] == []


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"scope": {"group_id": 99}}, 404, "group_not_found"),
        ({"scope": {"device_uids": ["nobody"]}}, 404, "device_not_found"),
        ({"scope": {"rql": "eq(colour,1)"}}, 400, "bad_query"),
        ({"scope": {}}, 422, "validation_failed"),
        ({"scope": {"group_id": 1, "rql": "eq(id,1)"}}, 422, "validation_failed"),
        ({"condition": {"kind": "threshold", "metric": "t"}}, 422, "validation_failed"),
        ({"condition": {"kind": "threshold", "metric": "t", "above": 1, "clear_at": 2}}, 422, "validation_failed"),
        ({"condition": {"kind": "threshold", "metric": "t", "above": "1"}}, 422, "validation_failed"),
        ({"condition": {"kind": "threshold", "metric": "a~b", "above": 1}}, 422, "validation_failed"),
        ({"condition": {"kind": "missing", "for_s": 0}}, 422, "validation_failed"),
        ({"condition": {"kind": "weather"}}, 422, "validation_failed"),
        ({"for_s": -1}, 422, "validation_failed"),
        ({"name": "  "}, 422, "validation_failed"),
        ({"name": "a\0b"}, 422, "validation_failed"),
        ({"name": "\u200b"}, 422, "validation_failed"),
        ({"severity": "loud"}, 422, "validation_failed"),
        ({"colour": "red"}, 422, "validation_failed"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(person, members, status, code):
    answer = await person.post(RULES, json={"name": "n", "condition": HOT, **members})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_silence_ends_ahead_or_at_once(person):
    path = f"{RULES}/{(await made(person)).json()['id']}/silence"
    assert (await person.post(path, json={"until": "2020-01-01T00:00:00Z"})).json()["code"] == "silence_in_the_past"
    for no_time in ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"):
        assert (await person.post(path, json={"until": no_time})).status_code == 422
    assert (await person.post(path, json={"until": "2099-01-01T00:00:00Z"})).json()["silenced_until"] is not None
    assert (await person.post(path, json={"until": None})).json()["silenced_until"] is None


async def test_who_may_only_read_changes_nothing(person, credentials):
    path = f"{RULES}/{(await made(person)).json()['id']}"
    reading = {"Authorization": f"Bearer {credentials.person('telemetry:read', organization_id=1)}"}
    assert (await person.get(path, headers=reading)).status_code == 200
    for method, to in (
        ("POST", RULES),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"/api/v2/alerts/{'a' * 32}/clear"),
    ):
        answer = await person.request(method, to, json={"name": "n", "condition": HOT}, headers=reading)
        assert answer.status_code == 403


async def test_an_alert_is_followed_from_sample_to_clear(person, start_worker, raw, register):
    await register("pump-1")
    rule = (await made(person)).json()

    async def alerts(**wanted):
        return (await person.get("/api/v2/alerts", params={"device_uid": "pump-1", **wanted})).json()["items"]

    async with start_worker():
        await raw.send("pump-1", b'{"metrics": {"temperature": 99}}')
        await eventually(lambda: alerts(state="active", severity="warning", rule=rule["id"]))
        [alert] = await alerts(acknowledged=False)
        path = f"/api/v2/alerts/{alert['id']}"
        assert (await person.post(f"{path}/acknowledge", headers={"If-Match": '"1"'})).json()["version"] == 2
        said = await person.post(f"{path}/comments", json={"text": "on my way"})
        assert (said.status_code, said.json()["comments"][0]["text"]) == (201, "on my way")
        assert (await alerts(acknowledged=True))[0]["comments"] == 1
        await raw.send("pump-1", b'{"metrics": {"temperature": 20}}')
        await eventually(lambda: alerts(state="cleared"))
        late = await person.post(f"{path}/clear")
        assert (late.status_code, late.json()["code"]) == (409, "alert_cleared")
        assert (await person.get(path)).headers["etag"] == '"4"'


@pytest.mark.parametrize("path", ["/api/v2/alerts?cursor=x", "/api/v2/alert-rules?cursor=WzEsMl0"])
async def test_a_cursor_of_another_list_is_refused(person, path):
    assert (await person.get(path)).json()["code"] == "bad_cursor"
