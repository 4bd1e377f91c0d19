"""Questions over REST: what is answered, for whom, and what is refused."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.queries import service as service_module
from monitoring.rollups import service as rollups_module

from ..worlds import sample

SERIES, STATISTICS, RANKING = (f"/api/v2/telemetry/{name}" for name in ("series", "statistics", "ranking"))
EXPORT, ACCOUNTING = "/api/v2/telemetry/export", "/api/v2/telemetry/accounting"

BAD_QUESTIONS = [
    ("device_uid=valve", 404, "device_not_found"),
    ("device_uid=pump-1&device_uid=nobody", 404, "device_not_found"),
    ("group=99", 404, "group_not_found"),
    ("group=0", 422, "validation_failed"),
    ("group=1&rql=eq(a,1)", 422, "one_scope"),
    ("rql=nonsense(", 400, "bad_query"),
    ("metric=%24where", 422, "validation_failed"),
    ("device_uid=a%00", 422, "validation_failed"),
    ("resolution=second", 422, "validation_failed"),
    ("points=0", 422, "validation_failed"),
    ("from=yesterday", 422, "validation_failed"),
    ("from=2026-11-21T10:00:00Z&to=2026-11-21T10:00:00Z", 422, "bad_time_range"),
    ("from=2020-01-01T00:00:00Z&resolution=raw", 422, "too_much_asked"),
    ("from=9999-12-31T23:59:59-14:00&to=9999-12-31T23:59:59Z", 422, "bad_time_range"),
    ("from=9999-12-30T23:59:59Z", 422, "bad_time_range"),
    ("from=9999-12-30T23:59:59Z&to=9999-12-31T23:59:59-14:00", 200, None),
    ("to=0001-01-01T00:00:00%2B14:00", 422, "bad_time_range"),
    ("from=0001-01-01T00:00:00%2B14:00&to=0001-01-02T00:00:00Z&resolution=hour", 200, None),
]

pytestmark = pytest.mark.usefixtures("fleet_of_three")


@pytest.fixture
def ask(reader, hour):
    async def ask(path, status=200, **params):
        params = {"from": hour.isoformat(), "to": (hour + timedelta(hours=1)).isoformat(), **params}
        answer = await reader.get(path, params={name: value for name, value in params.items() if value is not None})
        assert answer.status_code == status, answer.text
        return answer.json()

    return ask


async def test_a_device_is_drawn_at_the_resolution_that_fits(ask, hour):
    raw = await ask(SERIES, device_uid="pump-1", metric="temperature")
    assert (raw["resolution"], raw["bucket_s"], raw["devices"]) == ("raw", None, 1)
    [line] = raw["series"]
    assert (line["device_uid"], line["metric"], len(line["ts"])) == ("pump-1", "temperature", 60)
    assert line["ts"][0] == int(hour.timestamp() * 1000)
    assert line["mean"][:2] == line["last"][:2] == [1.0, 1.01]
    fewer = await ask(SERIES, device_uid="pump-1", metric="temperature", points=12)
    [line] = fewer["series"]
    assert (fewer["resolution"], fewer["bucket_s"], len(line["ts"])) == ("minute", 300, 12)
    assert (line["count"][0], line["min"][0], line["max"][0]) == (5, 1.0, 1.04)
    assert line["mean"][0] == pytest.approx(1.02)
    day = await ask(SERIES, device_uid="pump-1", metric="on", **{"from": (hour - timedelta(days=20)).isoformat()})
    assert day["resolution"] == "hour"
    assert [one["mean"] for one in day["series"]] == [[0.5]]


async def test_an_answer_about_many_devices_says_since_when_it_may_lack_what_came_in(ask, monkeypatch):
    lag = timedelta(seconds=150)
    monkeypatch.setattr(rollups_module, "_FRESH_DEVICES", 3)
    for path, more in ((SERIES, {}), (STATISTICS, {}), (RANKING, {"metric": "temperature"})):
        asked = datetime.now(UTC)
        until = datetime.fromisoformat((await ask(path, resolution="minute", **more))["complete_until"])
        assert asked <= until + lag <= datetime.now(UTC)
        for whole in ({"resolution": "raw"}, {"resolution": "minute", "device_uid": ["pump-1", "pump-2", "pump-3"]}):
            assert (await ask(path, **whole, **more))["complete_until"] is None


async def test_one_series_for_all_or_one_each(ask):
    together = await ask("/monitoring/data", metric="temperature", resolution="hour")
    [line] = together["series"]
    assert (together["devices"], line["device_uid"], line["count"]) == (4, None, [180])
    assert line["mean"] == [pytest.approx(2.295)]
    each = await ask(SERIES, metric="temperature", resolution="minute", by="device")
    assert [one["device_uid"] for one in each["series"]] == ["pump-1", "pump-2", "pump-3"]
    named = await ask(SERIES, device_uid=["pump-1", "pump-3"], resolution="raw")
    assert [(one["device_uid"], one["metric"]) for one in named["series"]] == [
        ("pump-1", "on"),
        ("pump-1", "temperature"),
        ("pump-3", "on"),
        ("pump-3", "temperature"),
    ]
    assert named["series"][0]["last"][:2] == [True, False]


async def test_statistics_are_the_same_at_every_resolution(ask):
    for resolution in ("raw", "minute", "hour"):
        for scope in ({"rql": 'eq(attributes/line,"a")'}, {}):
            found = await ask("/monitoring/stats", resolution=resolution, metric="temperature", **scope)
            [item] = found["items"]
            assert (item["devices"], item["count"], item["min"], item["max"], item["first"]) == (3, 180, 1.0, 3.59, 1.0)
            assert item["mean"] == pytest.approx(2.295)
            assert item["p50"] == pytest.approx(2.29, rel=0.011)
            assert item["p99"] == pytest.approx(3.58, rel=0.011)


async def test_devices_are_ranked(ask):
    top = await ask(RANKING, metric="temperature", limit=2)
    assert [one["device_uid"] for one in top["items"]] == ["pump-3", "pump-2"]
    assert top["items"][0]["value"] == pytest.approx(3.295)
    bottom = await ask(RANKING, metric="temperature", order="bottom", statistic="max", limit=1)
    assert [(one["device_uid"], one["value"]) for one in bottom["items"]] == [("pump-1", pytest.approx(1.59))]
    assert (await ask(RANKING, metric="nothing"))["items"] == []


async def test_a_day_of_raw_samples_too_many_is_answered_by_minutes(ask, monkeypatch):
    monkeypatch.setattr(service_module, "MAX_SAMPLES", 100)
    assert (await ask(SERIES, metric="temperature", by="device"))["resolution"] == "minute"
    refused = await ask(SERIES, metric="temperature", by="device", resolution="raw", status=422)
    assert refused["code"] == "too_much_asked"


async def test_samples_and_buckets_are_exported(reader, hour):
    params = {"from": hour.isoformat(), "to": (hour + timedelta(minutes=2)).isoformat()}
    answer = await reader.get(EXPORT, params=params)
    assert answer.headers["content-disposition"] == 'attachment; filename="telemetry.csv"'
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert rows[0] == ["device_uid", "ts", "received_at", "metric", "value"]
    assert [(row[0], row[3], row[4]) for row in rows[1:3]] == [
        ("pump-1", "temperature", "1.0"),
        ("pump-1", "on", "true"),
    ]
    assert len(rows) == 1 + 3 * 2 * 2
    lines = (await reader.get(EXPORT, params=params | {"format": "ndjson", "metric": "on"})).text.splitlines()
    assert [json.loads(line)["metrics"] for line in lines] == [{"on": True}, {"on": False}] * 3
    minutes = (await reader.get(EXPORT, params=params | {"format": "ndjson", "resolution": "minute"})).text.splitlines()
    assert json.loads(minutes[1]) == {
        "device_uid": "pump-1",
        "ts": hour.isoformat().replace("+00:00", "Z"),
        "metric": "temperature",
        "count": 1,
        "mean": 1.0,
        "min": 1.0,
        "max": 1.0,
        "first": 1.0,
        "last": 1.0,
    }
    assert len(minutes) == 3 * 2 * 2


async def test_accounts_add_up_by_device_and_in_total(reader, keep, hour):
    await keep({"pump-1": [sample(hour, 0, temperature=1.0, on=True), sample(hour - timedelta(days=60), 1)]})
    day = {"from": (hour - timedelta(days=1)).date().isoformat()}
    answer = await reader.get(ACCOUNTING, params=day | {"limit": 2})
    page = answer.json()
    assert [one["device_uid"] for one in page["items"]] == ["pump-1", "pump-2"]
    first, total = page["items"][0], page["total"]
    assert (first["received"], first["stored"], first["duplicate"], first["expired"]) == (62, 60, 1, 1)
    assert (total["messages"], total["received"], total["stored"], total["dead"], total["gaps"]) == (4, 182, 180, 0, 0)
    following = (await reader.get(answer.links["next"]["url"])).json()
    assert [one["device_uid"] for one in following["items"]] == ["pump-3"]
    assert following["total"] == total
    one = (await reader.get(ACCOUNTING, params=day | {"device_uid": "pump-2"})).json()
    assert one["total"]["stored"] == one["items"][0]["stored"] == 60


async def test_bad_questions_are_answered_clearly(reader):
    for query, status, code in BAD_QUESTIONS:
        answer = await reader.get(f"{SERIES}?{query}")
        assert (answer.status_code, answer.json().get("code")) == (status, code), (query, answer.text)


async def test_bad_days_are_answered_clearly(reader):
    for query, code in {
        "from=2026-11-21&to=2026-11-20": "bad_time_range",
        "from=0001-01-01": "too_much_asked",
        "from=x": "validation_failed",
        "to=0001-01-01": None,
        "device_uid=valve": "device_not_found",
    }.items():
        assert (await reader.get(f"{ACCOUNTING}?{query}")).json().get("code") == code, query


async def test_only_people_with_the_scope_may_ask(anyone, credentials):
    for path in (
        SERIES,
        STATISTICS,
        f"{RANKING}?metric=a",
        EXPORT,
        ACCOUNTING,
        "/monitoring/data",
        "/monitoring/stats",
    ):
        assert (await anyone.get(path)).status_code == 401
        headers = {"Authorization": f"Bearer {credentials.person('devices:write')}"}
        assert (await anyone.get(path, headers=headers)).status_code == 403
