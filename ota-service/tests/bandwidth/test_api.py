"""A site's limit over REST, and what it does to the downloads of its devices."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from shared.testing import Credentials

LIMITS = "/api/v2/firmware/bandwidth"

Add = Callable[..., Awaitable[Any]]
Connect = Callable[[str], httpx.AsyncClient]


@pytest.fixture
def operator(connect: Connect, credentials: Credentials) -> httpx.AsyncClient:
    return connect(credentials.person("updates:read", "updates:write"))


@pytest.fixture
async def at_site(add_devices: Add) -> None:
    await add_devices("pump-1", site_id=5)


@pytest.mark.usefixtures("at_site")
async def test_a_limit_is_set_listed_and_taken_away(operator: httpx.AsyncClient):
    answer = await operator.put(f"{LIMITS}/5", json={"bytes_per_second": 1_000_000})
    assert (answer.status_code, answer.json()["bytes_per_second"]) == (200, 1_000_000)
    assert (await operator.put(f"{LIMITS}/5", json={"bytes_per_second": 2_000_000})).status_code == 200
    listed = (await operator.get(LIMITS)).json()["items"]
    assert [(limit["site_id"], limit["bytes_per_second"]) for limit in listed] == [(5, 2_000_000)]
    assert (await operator.delete(f"{LIMITS}/5")).status_code == 204
    assert (await operator.delete(f"{LIMITS}/5")).status_code == 204
    assert (await operator.get(LIMITS)).json()["items"] == []


@pytest.mark.parametrize("limit", [0, -1, 16_383, 2**63, "fast", None, 1e300])
@pytest.mark.usefixtures("at_site")
async def test_nonsense_is_refused(operator: httpx.AsyncClient, limit: object):
    assert (await operator.put(f"{LIMITS}/5", json={"bytes_per_second": limit})).status_code == 422


@pytest.mark.usefixtures("at_site")
async def test_a_site_without_devices_of_ones_own_is_none(operator: httpx.AsyncClient):
    answer = await operator.put(f"{LIMITS}/6", json={"bytes_per_second": 1_000_000})
    assert (answer.status_code, answer.json()["code"]) == (404, "site_not_found")


@pytest.mark.usefixtures("at_site")
async def test_who_may_only_read_sets_none(connect: Connect, credentials: Credentials):
    reader = connect(credentials.person("updates:read"))
    assert (await reader.put(f"{LIMITS}/5", json={"bytes_per_second": 1_000_000})).status_code == 403


@pytest.mark.usefixtures("at_site")
async def test_a_site_that_is_too_busy_sends_devices_away_for_a_while(
    operator: httpx.AsyncClient, add_firmware: Add, connect: Connect, credentials: Credentials, sql: Any
):
    firmware = await add_firmware()
    opened = await operator.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_id": firmware.id})
    await operator.put(f"{LIMITS}/5", json={"bytes_per_second": 50_000_000})
    url = f"/api/v2/device/pump-1/updates/{opened.json()['session_id']}/file"
    pump = connect(credentials.device("pump-1"))
    assert (await pump.get(url)).status_code == 200
    await sql.execute("update site_bandwidths set free_at = clock_timestamp() + interval '1 hour'")
    left = "select extract(epoch from free_at - clock_timestamp())::float8 from site_bandwidths"
    before, answer, after = await sql.fetchval(left), await pump.get(url), await sql.fetchval(left)
    assert (answer.status_code, answer.json()["code"]) == (429, "site_busy")
    assert math.ceil(after) <= int(answer.headers["retry-after"]) <= math.ceil(before)
    assert (await pump.head(url)).status_code == 200
