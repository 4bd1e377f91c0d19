import asyncio
import json

import pytest

from device_management.bootstrap import open_core
from device_management.configuration.consumers import ReportConsumer
from shared.clock import SystemClock
from shared.messaging.deliveries import Delivery

URL = "/api/v2/devices/pump-1/configuration"


@pytest.fixture
async def pump(admin):
    answer = await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    assert answer.status_code == 201
    return answer.json()


@pytest.fixture
async def reports(app, settings):
    async with open_core(settings) as core:
        yield ReportConsumer(core.scopes, clock=SystemClock())


def said(uid: str, body: bytes, tag: int = 1) -> Delivery:
    return Delivery(
        tag=tag,
        body=body,
        routing_key=f"devices.{uid}.state",
        message_id=None,
        headers={},
        redelivered=False,
        timestamp=None,
    )


async def test_a_configuration_is_desired_then_reported_and_the_drift_shown(admin, pump, reports, sql):
    empty = (await admin.get(URL)).json()
    assert (empty["desired"], empty["reported"], empty["drift"], empty["version"]) == ({}, None, None, 0)
    put = await admin.put(URL, json={"desired": {"mode": "fast", "rate": 5}})
    assert put.status_code == 200, put.text
    assert (put.json()["version"], put.headers["etag"]) == (1, '"1"')
    action = await sql.fetchrow("select id, type, params from actions")
    assert put.json()["action_id"] == action["id"]
    assert (action["type"], action["params"]) == (
        "configuration_change",
        '{"configuration": {"mode": "fast", "rate": 5}}',
    )
    await reports([said("pump-1", b'{"configuration": {"mode": "slow", "rate": 5}}')])
    told = (await admin.get(f"/api/v2/devices/{pump['id']}/configuration")).json()
    assert told["drift"] == {"mode": {"desired": "fast", "reported": "slow"}}
    await reports([said("pump-1", b'{"configuration": {"mode": "fast", "rate": 5, "own": 1}}')])
    assert (await admin.get(URL)).json()["drift"] == {}


async def test_a_member_left_out_is_taken_away_and_what_is_so_already_asks_nothing(admin, pump, sql):
    await admin.put(URL, json={"desired": {"mode": "fast", "rate": 5}})
    changed = (await admin.put(URL, json={"desired": {"mode": "fast"}})).json()
    assert (changed["desired"], changed["version"]) == ({"mode": "fast"}, 2)
    same = (await admin.put(URL, json={"desired": {"mode": "fast"}})).json()
    assert (same["version"], same["action_id"]) == (2, None)
    params = [row["params"] for row in await sql.fetch("select params from actions order by id")]
    assert params[1:] == ['{"configuration": {"rate": null}}']


async def test_of_fifty_changes_that_saw_one_version_one_is_made(admin, pump, sql):
    puts = [admin.put(URL, json={"desired": {"rate": number}}, headers={"If-Match": '"0"'}) for number in range(1, 51)]
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*puts)])
    assert statuses == [200] + [412] * 49
    assert await sql.fetchval("select count(*) from actions") == 1


async def test_of_several_reports_of_a_device_the_last_counts_and_bad_ones_are_poison(admin, pump, reports):
    rejected = await reports(
        [
            said("pump-1", b'{"configuration": {"mode": "a"}}', 1),
            said("pump-1", b"{", 2),
            said("pump-1", b'{"configuration": [1]}', 3),
            said("pump-1", b'{"firmware_version": "1.0"}', 4),
            said("nobody", b'{"configuration": {"mode": "a"}}', 5),
            said("pump-1", b'{"configuration": {"mode": "b"}}', 6),
        ]
    )
    assert [poison.index for poison in rejected] == [1, 2]
    assert (await admin.get(URL)).json()["reported"] == {"mode": "b"}


async def test_each_change_of_either_side_is_told_and_a_report_that_changes_nothing_is_not(pump, admin, reports, sql):
    await admin.put(URL, json={"desired": {"mode": "fast", "rate": 5}})
    for number, configuration in enumerate(({"mode": "slow"}, {"mode": "slow"}, {"mode": "fast", "rate": 5})):
        await reports([said("pump-1", json.dumps({"configuration": configuration}).encode(), number)])
    rows = await sql.fetch("select type, payload from outbox where type like 'configuration.%' order by id")
    told = [(row["type"], json.loads(row["payload"])["data"]) for row in rows]
    assert [(kind, data["drift"], data["desired_version"]) for kind, data in told] == [
        ("configuration.changed.v1", None, 1),
        ("configuration.reported.v1", 2, 1),
        ("configuration.reported.v1", 0, 1),
    ]
    versions = [data["version"] for _, data in told]
    assert versions == sorted(set(versions))


@pytest.mark.parametrize(
    "body", [{}, {"desired": []}, {"desired": {"a": "x" * 20_000}}, {"desired": {"a\0": 1}}, {"desired": {}, "more": 1}]
)
async def test_a_configuration_that_cannot_be_is_refused(admin, pump, body):
    assert (await admin.put(URL, json=body)).status_code == 422
    assert (await admin.get(URL)).json()["version"] == 0


async def test_another_organizations_device_answers_as_one_that_does_not_exist(admin, stranger, pump):
    for method, body in (("GET", None), ("PUT", {"desired": {}})):
        theirs = await stranger.request(method, URL, json=body)
        nobodys = await stranger.request(method, "/api/v2/devices/nobody/configuration", json=body)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json()
