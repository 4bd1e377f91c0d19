"""Telemetry over REST: by whom, what, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.telemetry.models import Arrival
from monitoring.telemetry.service import TelemetryService
from shared.clock import SystemClock

from ..worlds import sample


@pytest.fixture
def record(store, fleet, organizations):
    service = TelemetryService(store, fleet, organizations, clock=SystemClock())

    async def record(uid, *samples):
        await service.record([Arrival(uid, one, datetime.now(UTC), "") for one in samples])

    return record


async def test_history_and_latest_as_they_are_promised(reader, register, record):
    await register("pump-1")
    at = datetime.now(UTC).replace(microsecond=0)
    await record("pump-1", *(sample(at + timedelta(seconds=n), n, temperature=20.0 + n, on=True) for n in range(3)))
    answer = await reader.get("/api/v2/telemetry", params={"device_uid": "pump-1", "metric": "temperature", "limit": 2})
    assert answer.status_code == 200
    page = answer.json()
    times = [datetime.fromisoformat(one["ts"]) for one in page["items"]]
    assert times == [at, at + timedelta(seconds=1)]
    assert [one["metrics"] for one in page["items"]] == [{"temperature": 20.0}, {"temperature": 21.0}]
    assert {"ts", "received_at", "metrics"} == page["items"][0].keys()
    following = await reader.get(answer.links["next"]["url"])
    assert [one["metrics"] for one in following.json()["items"]] == [{"temperature": 22.0}]
    assert following.json()["next"] is None
    [latest] = (await reader.get("/api/v2/telemetry/latest")).json()["items"]
    assert latest["device_uid"] == "pump-1"
    assert latest["metrics"]["temperature"] == {"value": 22.0, "ts": latest["ts"], "dated": True}
    assert latest["metrics"]["on"]["value"] is True
    one = await reader.get("/api/v2/telemetry/latest", params={"device_uid": "pump-1"})
    assert one.json()["items"] == [latest]


async def test_times_choose_the_part_asked_for(reader, register, record):
    await register("pump-1")
    at = datetime.now(UTC)
    await record("pump-1", *(sample(at - timedelta(minutes=n), n) for n in range(5)))
    params = {"device_uid": "pump-1", "from": (at - timedelta(minutes=3)).isoformat(), "to": at.isoformat()}
    assert len((await reader.get("/api/v2/telemetry", params=params)).json()["items"]) == 3


@pytest.mark.parametrize("path", ["/api/v2/telemetry", "/api/v2/telemetry/latest", "/api/v2/presence"])
async def test_unknown_devices_and_other_organizations_devices_are_not_found(reader, register, record, path):
    await register("valve-1", organization_id=2)
    await record("valve-1", sample(datetime.now(UTC), 1))
    for uid in ("valve-1", "no-such-device"):
        answer = await reader.get(path, params={"device_uid": uid})
        assert (answer.status_code, answer.json()["code"]) == (404, "device_not_found")
    listed = await reader.get(path, params={"limit": 5} | ({"device_uid": "valve-1"} if path[-1] == "y" else {}))
    assert "valve-1" not in listed.text


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("device_uid=pump-1&cursor=nonsense", 400, "bad_cursor"),
        ("device_uid=pump-1&limit=0", 422, "validation_failed"),
        ("device_uid=pump-1&limit=501", 422, "validation_failed"),
        ("device_uid=pump-1&limit=x", 422, "validation_failed"),
        ("device_uid=a.b", 422, "validation_failed"),
        ("device_uid=a%00b", 422, "validation_failed"),
        ("", 422, "validation_failed"),
        ("device_uid=pump-1&metric=%24where", 422, "validation_failed"),
        ("device_uid=pump-1&from=yesterday", 422, "validation_failed"),
        ("device_uid=pump-1&from=0.5", 422, "validation_failed"),
        ("device_uid=pump-1&to=1795305600000", 422, "validation_failed"),
        ("device_uid=pump-1&from=2026-11-21T10:00:00", 422, "validation_failed"),
        ("device_uid=pump-1&from=2026-11-21T10:00:00Z&to=2026-11-21T10:00:00Z", 422, "bad_time_range"),
        ("device_uid=pump-1&from=9999-12-31T23:59:59-14:00", 200, None),
        ("device_uid=pump-1&to=0001-01-01T00:00:00%2B14:00", 200, None),
    ],
)
async def test_bad_questions_are_answered_clearly(reader, register, query, status, code):
    await register("pump-1")
    answer = await reader.get(f"/api/v2/telemetry?{query}")
    assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_lists_refuse_foreign_cursors(reader):
    for path in ("/api/v2/telemetry/latest", "/api/v2/presence"):
        for cursor in ("nonsense", "WyJhLmIiXQ", "WzFd"):
            answer = await reader.get(path, params={"cursor": cursor})
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("path", ["/api/v2/telemetry?device_uid=a", "/api/v2/telemetry/latest", "/api/v2/presence"])
async def test_only_people_with_the_scope_may_read(anyone, credentials, path):
    refused = await anyone.get(path)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    for token in (credentials.device("a"), credentials.person("devices:write")):
        refused = await anyone.get(path, headers={"Authorization": f"Bearer {token}"})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
