import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from device_management.bridges.errors import LinkLost
from device_management.bridges.gateway import open_link
from shared.egress import Egress
from shared.messaging.errors import BrokerAway
from shared.messaging.publisher import Publisher
from shared.testing import eventually

BODY = b'{"ts": 1767225600000, "seq": 1, "metrics": {"t": 21.5}}'


@pytest.fixture
async def site(admin, site_broker):
    """A site whose devices speak on topics of their own, so that tests do not hear each other."""
    place = uuid4().hex[:8]
    body = {"name": "Plant", "topic_template": f"{place}/{{uid}}/data", **site_broker}
    answer = await admin.post("/api/v2/sites", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json() | {"place": place}


@pytest.fixture
async def pump(admin):
    return (await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})).json()


def link_is(admin, site, **expected):
    async def asked() -> bool:
        link = (await admin.get(f"/api/v2/sites/{site['id']}")).json()["link"]
        assert {name: link[name] for name in expected} == expected
        return True

    return eventually(asked)


async def test_telemetry_of_a_site_comes_out_under_its_devices_uid(admin, site, pump, worker, at_site, stored):
    worker()
    await link_is(admin, site, state="connected", error=None)
    await at_site.publish(f"{site['place']}/pump-1/data", BODY, qos=1)
    await eventually(lambda: stored == [("devices.pump-1.telemetry", BODY)])
    await link_is(admin, site, forwarded=1, unknown=0)
    page = (await admin.get(f"/api/v2/sites/{site['id']}/devices")).json()
    assert [(device["device_id"], device["device_uid"]) for device in page["items"]] == [(pump["id"], "pump-1")]


async def test_a_site_speaks_only_for_its_organizations_own_devices(
    admin, stranger, site, pump, worker, at_site, stored
):
    await stranger.post("/api/v2/devices", json={"device_uid": "theirs"})
    worker()
    await link_is(admin, site, state="connected")
    for uid in ("theirs", "nobody", "not a uid"):
        await at_site.publish(f"{site['place']}/{uid}/data", BODY, qos=1)
    await at_site.publish(f"{site['place']}/pump-1/data", b"x" * (128 * 1024 + 1), qos=1)
    await at_site.publish(f"{site['place']}/pump-1/data", BODY, qos=1)
    await link_is(admin, site, forwarded=1, unknown=3, refused=1)
    assert stored == [("devices.pump-1.telemetry", BODY)]


async def test_what_is_said_while_no_worker_runs_is_carried_over_later(admin, site, pump, worker, at_site, stored):
    first = worker()
    await link_is(admin, site, state="connected")
    first.cancel()
    await asyncio.wait([first])
    await link_is(admin, site, state="waiting")
    bodies = [BODY.replace(b'"seq": 1', f'"seq": {number}'.encode()) for number in range(30)]
    for body in bodies:
        await at_site.publish(f"{site['place']}/pump-1/data", body, qos=1)
    worker("two")
    await eventually(lambda: {body for _, body in stored} == set(bodies))


async def test_what_the_platforms_broker_did_not_confirm_is_not_settled(
    admin, site, pump, worker, at_site, stored, broker
):
    class Failing(Publisher):
        async def publish_all(self, messages):
            return [BrokerAway("away") for _ in messages]

    first = worker(publisher=Failing(broker))
    await link_is(admin, site, state="connected")
    await at_site.publish(f"{site['place']}/pump-1/data", BODY, qos=1)
    await eventually(lambda: heard(admin, site))
    first.cancel()
    await asyncio.wait([first])
    assert stored == []
    worker("two")
    await eventually(lambda: stored == [("devices.pump-1.telemetry", BODY)])


async def test_a_connection_that_cannot_be_left_does_not_keep_its_worker_from_ending(admin, site, worker):
    @asynccontextmanager
    async def stubborn(address, topic_filter):
        async with open_link(address, topic_filter) as link:
            try:
                yield link
            except asyncio.CancelledError:
                raise LinkLost("Operation timed out") from None

    first = worker(connect=stubborn)
    await link_is(admin, site, state="connected")
    first.cancel()
    ended, _ = await asyncio.wait([first], timeout=90)
    assert ended


async def heard(admin, site) -> bool:
    return bool((await admin.get(f"/api/v2/sites/{site['id']}/devices")).json()["items"])


async def test_of_many_workers_one_keeps_a_link(admin, site, worker, sql):
    for number in range(4):
        worker(f"worker-{number}")
    await link_is(admin, site, state="connected")

    async def one_holds_it() -> bool:
        holders = await sql.fetch("select holder from site_links where held_until > clock_timestamp()")
        return len(holders) == 1

    await eventually(one_holds_it)


async def test_workers_that_start_together_share_the_sites(admin, site_broker, worker, sql):
    for number in range(12):
        body = {"name": f"Plant {number}", "topic_template": f"{uuid4().hex}/{{uid}}", **site_broker}
        assert (await admin.post("/api/v2/sites", json=body)).status_code == 201
    for number in range(3):
        worker(f"worker-{number}")

    async def shared_out() -> bool:
        rows = await sql.fetch("select holder, count(*) from site_links where state = 'connected' group by holder")
        assert sum(row["count"] for row in rows) == 12
        return len(rows) == 3

    await eventually(shared_out)


async def test_a_worker_whose_links_have_news_takes_no_more_than_its_share(
    admin, site_broker, worker, sql, monkeypatch
):
    monkeypatch.setattr("device_management.bridges.service._ROUND_S", 1_000.0)
    for number in range(12):
        body = {"name": f"Plant {number}", "topic_template": f"{uuid4().hex}/{{uid}}", **site_broker}
        assert (await admin.post("/api/v2/sites", json=body)).status_code == 201
    worker()

    async def the_first_are_connected() -> bool:
        return await sql.fetchval("select count(*) from site_links where state = 'connected'") >= 5

    await eventually(the_first_are_connected)
    assert await sql.fetchval("select count(*) from site_links where holder is not null") == 5


async def test_what_was_carried_over_a_link_is_counted_though_the_site_is_changed(
    admin, site, site_broker, pump, worker, at_site, stored, monkeypatch
):
    monkeypatch.setattr("device_management.bridges.service._ROUND_S", 1_000.0)
    waiting_room = {"name": "Other", "topic_template": "other/{uid}", **site_broker}
    assert (await admin.post("/api/v2/sites", json=waiting_room)).status_code == 201
    news = asyncio.Event()

    @asynccontextmanager
    async def later(address, topic_filter):
        if topic_filter.startswith("other/"):
            await news.wait()
        async with open_link(address, topic_filter) as link:
            yield link

    worker(connect=later)
    await link_is(admin, site, state="connected")
    await at_site.publish(f"{site['place']}/pump-1/data", BODY, qos=1)
    await eventually(lambda: stored == [("devices.pump-1.telemetry", BODY)])
    await admin.patch(f"/api/v2/sites/{site['id']}", json={"description": "moved"})
    news.set()
    await link_is(admin, site, forwarded=1)


async def test_a_wrong_password_is_refused_and_shown_and_a_right_one_connects(admin, site, site_broker, worker):
    url = f"/api/v2/sites/{site['id']}"
    await admin.patch(url, json={"password": "wrong"})
    worker()
    await link_is(admin, site, state="refused")
    await admin.patch(url, json={"password": site_broker["password"]})
    await link_is(admin, site, state="connected", error=None)


async def test_a_host_that_does_not_answer_is_unreachable(admin, site, worker):
    await admin.patch(f"/api/v2/sites/{site['id']}", json={"port": 1})
    worker()
    await link_is(admin, site, state="unreachable", error="Connection refused")


async def test_an_address_inside_is_never_connected_to(admin, site, worker):
    worker(egress=Egress())
    await link_is(admin, site, state="forbidden")


async def test_a_site_that_is_disabled_or_removed_loses_its_link(admin, site, pump, worker, at_site, stored):
    worker()
    await link_is(admin, site, state="connected")
    await admin.patch(f"/api/v2/sites/{site['id']}", json={"enabled": False})
    await link_is(admin, site, state="disabled")
    await admin.patch(f"/api/v2/sites/{site['id']}", json={"enabled": True})
    await link_is(admin, site, state="connected")
    assert (await admin.delete(f"/api/v2/sites/{site['id']}")).status_code == 204


async def test_a_link_that_fails_as_nobody_foresaw_is_shown_and_opened_again(admin, site, worker):
    opened = 0

    @asynccontextmanager
    async def broken_once(address, topic_filter):
        nonlocal opened
        opened += 1
        if opened == 1:
            raise ValueError("never told")
        async with open_link(address, topic_filter) as link:
            yield link

    worker(connect=broken_once)
    await link_is(admin, site, state="connected")
    assert opened == 2
