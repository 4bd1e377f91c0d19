"""Lists of devices, narrowed by what they are."""

import itertools
from datetime import UTC, datetime

import pytest
from prometheus_client import REGISTRY

from device_management.device_status.service import DeviceStatusService
from device_management.devices.states import shown_status
from shared.contracts.presence import PresenceState


@pytest.fixture
async def fleet(admin, stranger):
    for body in [
        {"device_uid": "a", "device_type": "pump", "tags": ["north", "old"]},
        {"device_uid": "b", "device_type": "pump", "tags": ["north"], "status": "deployed"},
        {"device_uid": "c", "device_type": "valve", "tags": [], "status": "busy"},
        {"device_uid": "d", "device_type": None, "tags": ["old"], "status": "maintenance"},
    ]:
        await admin.post("/api/v2/devices", json=body)
    await stranger.post("/api/v2/devices", json={"device_uid": "theirs", "device_type": "pump", "tags": ["north"]})


async def uids(client, path):
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [item["device_uid"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["a", "b", "c", "d"]),
        ("lifecycle=in_stock", ["a", "c"]),
        ("lifecycle=deployed", ["b"]),
        ("lifecycle=retired", []),
        ("status=idle", ["a", "b"]),
        ("status=busy", ["c"]),
        ("status=maintenance", ["d"]),
        ("device_type=pump", ["a", "b"]),
        ("device_type=pump%25", []),
        ("tag=north", ["a", "b"]),
        ("tag=old&device_type=pump", ["a"]),
        ("tag=old&lifecycle=maintenance&status=maintenance", ["d"]),
    ],
)
async def test_filters_narrow_together(admin, fleet, query, expected):
    assert await uids(admin, f"/api/v2/devices?{query}") == expected


@pytest.mark.parametrize("query", ["lifecycle=gone", "status=deployed", "tag=%00", "device_type=" + "x" * 65])
async def test_a_filter_that_means_nothing_is_refused(admin, query):
    answer = await admin.get(f"/api/v2/devices?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_filtered_pages_follow_each_other(admin, fleet):
    page = await admin.get("/api/v2/devices?device_type=pump&limit=1")
    assert [item["device_uid"] for item in page.json()["items"]] == ["a"]
    assert await uids(admin, page.links["next"]["url"]) == ["b"]


async def test_stock_and_field_have_lists_of_their_own(admin, fleet):
    assert await uids(admin, "/api/v2/devices/in_stock") == ["a", "c"]
    assert await uids(admin, "/api/v2/devices/deployed") == ["b"]
    page = await admin.get("/api/v2/devices/in_stock?limit=1")
    assert await uids(admin, page.links["next"]["url"]) == ["c"]


async def test_the_status_in_the_database_is_the_one_derived_here(admin, sql):
    """Over every combination of what it is derived from."""
    for lifecycle, online, acting, reported in itertools.product(
        ["in_stock", "deployed", "maintenance"], [None, True, False], [None, "updating"], ["idle", "error"]
    ):
        await admin.post("/api/v2/devices", json={"device_uid": "x"})
        await sql.execute(
            "update devices set lifecycle = $1, online = $2, action_status = $3, reported_status = $4",
            *(lifecycle, online, acting, reported),
        )
        shown = shown_status(lifecycle=lifecycle, online=online, acting=acting, reported=reported)
        [device] = (await admin.get(f"/api/v2/devices?status={shown}")).json()["items"]
        assert device["status"] == shown


class TestCached:
    """Through every change a list shows it at once; what is found in Redis was found there."""

    @pytest.fixture(autouse=True)
    def _an_hour(self, monkeypatch):
        """A page lives so long, for no test to be too slow for it."""
        monkeypatch.setattr("device_management.devices.cache.FILL_MS", 3_600_000)

    @pytest.fixture
    def found(self):
        return lambda: REGISTRY.get_sample_value("muster_device_cache_pages_total", {"found": "redis"}) or 0

    async def test_the_same_page_again_comes_from_redis_with_its_link(self, admin, fleet, found):
        first, before = await admin.get("/api/v2/devices?limit=2"), found()
        again = await admin.get("/api/v2/devices?limit=2")
        assert found() == before + 1
        assert (again.json(), again.headers["link"]) == (first.json(), first.headers["link"])

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "", {"device_uid": "e"}),
            ("POST", "/batch", [{"device_uid": "f", "organization_id": 1}]),
            ("PATCH", "/a", {"name": "New"}),
            ("PUT", "/a/deploy", None),
            ("PUT", "/a/status", {"status": "error"}),
            ("DELETE", "/a", None),
        ],
    )
    async def test_a_change_is_seen_by_the_next_reader(self, admin, fleet, method, path, body):
        before = (await admin.get("/api/v2/devices")).json()
        assert (await admin.request(method, f"/api/v2/devices{path}", json=body)).is_success
        after = (await admin.get("/api/v2/devices")).json()
        assert after != before
        assert after == (await admin.get("/api/v2/devices?limit=51")).json()

    async def test_a_connection_is_seen_by_the_next_reader(self, admin, fleet, app):
        await admin.get("/api/v2/devices?status=offline")
        async with app.state.scopes() as scope:
            news = PresenceState(organization_id=1, device_uid="a", online=False, since=datetime.now(UTC), version=1)
            await scope.get(DeviceStatusService).take_presence([news])
        assert await uids(admin, "/api/v2/devices?status=offline") == ["a"]

    async def test_an_organization_never_gets_anothers_page(self, admin, stranger, fleet):
        assert await uids(admin, "/api/v2/devices?device_type=pump") == ["a", "b"]
        assert await uids(stranger, "/api/v2/devices?device_type=pump") == ["theirs"]
