"""The api as a whole: the dashboard's pages, health, and the store away."""

import asyncio

import pytest

from shared.testing import eventually


async def test_pages_are_served_under_a_strict_policy_and_revalidated(anyone):
    page = await anyone.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-cache"
    again = await anyone.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["content-security-policy"] == policy


@pytest.mark.parametrize("path", ["/no-such-page", "/..%2fpyproject.toml", "/%2e%2e/src/monitoring/app.py"])
async def test_nothing_but_the_pages_is_served(anyone, path):
    answer = await anyone.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_readiness_says_what_it_waits_for(anyone):
    async def ready():
        return (await anyone.get("/readyz")).json()

    async def is_ready():
        return (await ready())["status"] == "ready"

    await eventually(is_ready)
    assert (await ready())["checks"] == {"mongodb": "ok", "broker": "ok", "revocations": "ok"}


@pytest.mark.parametrize("changed", [{"mongodb_url": "mongodb://127.0.0.1:1"}])
async def test_with_the_store_away_reads_answer_503_and_say_when_to_come_again(reader):
    paths = ("/api/v2/telemetry?device_uid=a", "/api/v2/telemetry/latest", "/api/v2/presence")
    for answer in await asyncio.gather(*map(reader.get, paths)):
        assert (answer.status_code, answer.json()["code"]) == (503, "store_away")
        assert int(answer.headers["retry-after"]) > 0
