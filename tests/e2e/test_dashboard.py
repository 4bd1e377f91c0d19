"""The dashboard in a browser: who is signed in, the fleet and one device, with a device that speaks MQTT."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from playwright.async_api import Route, expect

from muster_stack.stack import Stack
from shared.cancellation import end
from shared.testing import eventually

from .browsing import Device, Visit, now_ms

_TEMPERATURE = '.metric-chart[data-metric="temperature"]'
_LEVEL = '.metric-chart[data-metric="level"]'


@asynccontextmanager
async def _reporting(device: Device, metric: str = "temperature") -> AsyncIterator[None]:
    """The device connects and reports a rising value five times a second."""

    async def report() -> None:
        value = 20.0
        while True:
            await device.publish({"ts": now_ms(), "metrics": {metric: value}})
            value += 0.125
            await asyncio.sleep(0.2)

    await device.connect()
    task = asyncio.create_task(report())
    try:
        yield
    finally:
        await end([task])
        await device.disconnect()


async def test_a_person_signs_in_and_sees_who_of_the_fleet_is_there(visit: Visit, devices: Callable[..., Any]):
    here = await devices("Greenhouse north")
    away = await devices("Cold store")
    async with _reporting(here):
        await visit.sign_in()
        await visit.shown_in_fleet(away)
        await expect(visit.row(here)).to_have_attribute("data-online", "true")
        await expect(visit.row(here)).to_contain_text("Greenhouse north")
        await expect(visit.row(here)).to_contain_text("temperature")
        await expect(visit.row(away)).to_have_attribute("data-online", "false")
        await expect(visit.row(away)).to_contain_text("never")
        await visit.page.get_by_role("link", name="Overview").click()
        await expect(visit.page.locator(".figure[data-online]")).not_to_have_attribute("data-online", "0")

        async def counted() -> bool:
            return await visit.number(".figure[data-online]", "data-total") >= 2

        await eventually(counted)
        await visit.page.get_by_role("link", name="Fleet").click()
    await expect(visit.row(here)).to_have_attribute("data-online", "false")


async def test_a_chart_moves_while_the_device_reports(visit: Visit, devices: Callable[..., Any]):
    device = await devices("Boiler room")
    async with _reporting(device):
        await visit.sign_in()
        await visit.shown_in_fleet(device)
        await visit.link(device).click()
        await expect(visit.page.get_by_role("heading", level=1)).to_have_text("Boiler room")
        await expect(visit.page.locator(".badge")).to_have_attribute("data-online", "true")
        await expect(visit.page.locator(_TEMPERATURE)).to_be_visible()
        for _ in range(3):
            before = await visit.number(_TEMPERATURE, "data-newest")
            value = await visit.number(_TEMPERATURE, "data-value")

            async def moved(before: float = before, value: float = value) -> bool:
                newest = await visit.number(_TEMPERATURE, "data-newest")
                return newest > before and await visit.number(_TEMPERATURE, "data-value") > value

            await eventually(moved)
    await expect(visit.page.locator(".badge")).to_have_attribute("data-online", "false")


async def test_the_past_is_there_when_the_page_opens(visit: Visit, devices: Callable[..., Any]):
    device = await devices("Silo")
    await device.connect()
    now, ages = now_ms(), range(240, 0, -1)
    await device.publish(*({"ts": now - 1000 * age, "metrics": {"level": age, "open": age % 2 == 0}} for age in ages))
    await device.stored(len(ages))
    await visit.sign_in(f"#/devices/{device.uid}?minutes=15")
    for metric in ("level", "open"):
        chart = visit.page.locator(f'.metric-chart[data-metric="{metric}"]')
        await expect(chart).to_have_attribute("data-points", str(len(ages)))


async def test_any_hour_of_the_past_can_be_looked_at(visit: Visit, devices: Callable[..., Any]):
    device = await devices("Silo south")
    await device.connect()
    now, hour = now_ms(), 3_600_000
    await device.publish(*({"ts": now - 3 * hour - 1_000 * age, "metrics": {"level": age}} for age in range(100)))
    await device.stored(100)
    await visit.sign_in(f"#/devices/{device.uid}")
    await expect(visit.page.get_by_text("Nothing measured in the last 5 minutes")).to_be_visible()
    await visit.page.get_by_role("link", name="look there").click()
    await expect(visit.page.locator(_LEVEL)).to_have_attribute("data-points", "100")
    await device.publish({"ts": now, "metrics": {"level": 1_000}})
    await device.stored(101)
    await visit.page.goto(f"{visit.origin}/#/devices/{device.uid}?minutes=60")
    level = visit.page.locator(_LEVEL)
    await expect(level).to_have_attribute("data-points", "1")
    for _ in range(3):
        await visit.page.get_by_role("link", name="minutes before").click()
    await expect(level).to_have_attribute("data-points", "100")
    await device.publish({"ts": now_ms(), "metrics": {"level": 2_000}})
    await visit.page.reload()
    await expect(level).to_have_attribute("data-value", "0")
    assert await visit.violations() == []
    await visit.page.get_by_label("Shown until").fill("2020-01-01T12:00")
    await expect(visit.page.get_by_text("Nothing measured in these 60 minutes")).to_be_visible()
    await visit.page.get_by_role("link", name="Now", exact=True).click()
    await expect(level).to_have_attribute("data-value", "2000")


async def test_a_long_past_is_summed_up_and_a_part_of_it_looked_at_closer(visit: Visit, devices: Callable[..., Any]):
    device = await devices("Silo west")
    await device.connect()
    now, hour = now_ms(), 3_600_000
    await device.publish(*({"ts": now - 3 * hour - 60_000 * age, "metrics": {"level": age}} for age in range(60)))
    await device.stored(60)
    await visit.sign_in(f"#/devices/{device.uid}?minutes=360&resolution=raw")
    level = visit.page.locator('.metric-chart[data-metric="level"]')
    await expect(level).to_have_attribute("data-points", "60")
    plot = await level.locator(".u-over").bounding_box()
    assert plot is not None
    middle = plot["y"] + plot["height"] / 2
    await visit.page.mouse.move(plot["x"] + plot["width"] * 0.35, middle)
    await visit.page.mouse.down()
    await visit.page.mouse.move(plot["x"] + plot["width"] * 0.45, middle, steps=4)
    await visit.page.mouse.up()
    await expect(level).not_to_have_attribute("data-points", "60")
    assert "minutes=360" not in visit.page.url


async def test_a_wrong_password_is_said_and_nothing_opens(visit: Visit):
    visit.expected.append("/auth/login")
    await visit.sign_in(password="not the password")
    await expect(visit.page.get_by_role("alert")).to_contain_text("do not belong together")
    await expect(visit.page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(visit.page.get_by_label("Password")).to_be_focused()
    assert await visit.page.evaluate("() => sessionStorage.length") == 0


async def test_what_a_device_is_called_and_what_it_says_stays_text(visit: Visit, devices: Callable[..., Any]):
    markup = '<img src="x" onerror="window.taken=1"><script>window.taken=1</script>'
    device = await devices(markup, tags=["<b>tag</b>"], attributes={"note": markup})
    await device.connect()
    await device.publish({"ts": now_ms(), "metrics": {"said": markup}})
    await visit.sign_in()
    await visit.shown_in_fleet(device)
    await expect(visit.link(device)).to_have_text(markup)
    await expect(visit.row(device)).to_contain_text(markup)
    await visit.link(device).click()
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text(markup)
    await expect(visit.page.locator('[data-latest="said"]')).to_contain_text(markup)
    await expect(visit.page.locator(".facts")).to_contain_text(markup)
    assert await visit.page.evaluate("() => window.taken") is None
    assert await visit.page.locator("img, b, #app script, [onerror]").count() == 0


async def test_a_deep_link_survives_signing_in_and_reloading(visit: Visit, devices: Callable[..., Any]):
    device = await devices("Pump 7")
    await visit.sign_in(f"#/devices/{device.uid}?minutes=60")
    for _ in range(2):
        await expect(visit.page).to_have_title("Pump 7 · Muster")
        await expect(visit.page.get_by_role("link", name="60 min", exact=True)).to_have_attribute(
            "aria-current", "true"
        )
        await visit.page.reload()


async def test_signing_out_ends_the_session_for_good(visit: Visit):
    await visit.sign_in()
    await expect(visit.page.get_by_role("heading", name="Fleet")).to_be_focused()
    await visit.page.get_by_role("button", name="Sign out").click()
    await expect(visit.page.get_by_label("Email")).to_be_focused()
    await visit.page.reload()
    await expect(visit.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_an_empty_fleet_says_how_to_get_its_first_devices(visit: Visit):
    async def nothing(route: Route) -> None:
        await route.fulfill(json={"items": [], "next": None})

    await visit.page.route("**/api/v2/devices?*", nothing)
    await visit.sign_in()
    await expect(visit.page.get_by_text("muster simulate --devices 25")).to_be_visible()
    assert await visit.violations() == []
    await visit.page.unroute("**/api/v2/devices?*")
    await expect(visit.page.get_by_role("table")).to_be_visible()


async def test_a_list_that_cannot_be_read_is_asked_for_again_at_a_word_and_without_one(
    visit: Visit, devices: Callable[..., Any]
):
    device = await devices("Roof unit")
    visit.expected.append("/api/v2/devices")
    await visit.page.route("**/api/v2/devices?*", lambda route: route.fulfill(status=503, json={"detail": "Away."}))
    await visit.sign_in()
    await expect(visit.page.get_by_role("alert")).to_contain_text("Away.")
    assert await visit.violations() == []
    async with visit.page.expect_request("**/api/v2/devices?*"):
        await visit.page.get_by_role("button", name="Try again").click()
    await expect(visit.page.get_by_role("alert")).to_contain_text("Away.")
    await visit.page.unroute("**/api/v2/devices?*")
    await visit.shown_in_fleet(device)


async def test_what_an_interruption_left_out_is_read_afterwards(
    visit: Visit, devices: Callable[..., Any], stack: Stack
):
    visit.expected += ["/socket.io/", "/api/v2/"]
    device = await devices("Loading dock")
    await device.connect()
    await device.publish({"ts": now_ms(), "metrics": {"temperature": 1.0}})
    await visit.sign_in(f"#/devices/{device.uid}")
    await expect(visit.page.locator(_TEMPERATURE)).to_have_attribute("data-value", "1")
    stack.kill("monitoring-api")
    try:
        await expect(visit.page.get_by_role("button", name="Try now")).to_be_visible()
        missed = [{"ts": now_ms() - 10 + each, "metrics": {"temperature": 2.0 + each}} for each in range(10)]
        await device.publish(*missed)
    finally:
        await asyncio.to_thread(stack.start, "monitoring-api")
    await expect(visit.page.locator(".live-state")).to_have_attribute("data-live", "live")
    await expect(visit.page.locator(_TEMPERATURE)).to_have_attribute("data-points", "11")
    await expect(visit.page.get_by_role("button", name="Try now")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 390)])
async def test_every_page_is_accessible_and_fits(
    visits: Callable[..., Any],
    devices: Callable[..., Any],
    image: Callable[..., Any],
    people: httpx.AsyncClient,
    scheme: str,
    width: int,
):
    device, firmware = await devices("Pump 1", attributes={"lat": 53.5, "lon": 10.0}), await image("1.0.0")
    rule = {
        "name": f"Any temperature of {device.uid}",
        "condition": {"kind": "threshold", "metric": "temperature", "above": -1_000},
        "scope": {"device_uids": [device.uid]},
    }
    rule_id = (await people.post("/api/v2/alert-rules", json=rule)).raise_for_status().json()["id"]
    asked = {"name": "Pumps", "firmware_id": firmware["id"], "device_ids": [device.uid]}
    batch = (await people.post("/api/v2/updates/batches", json=asked)).raise_for_status().json()
    described = {"name": f"Plant of {device.uid}", "host": "broker.plant.example", "port": 8883, "enabled": False}
    site = (await people.post("/api/v2/sites", json=described)).raise_for_status().json()
    visit: Visit = await visits(color_scheme=scheme, viewport={"width": width, "height": 844})
    await visit.page.goto(f"{visit.origin}/")
    await visit.page.get_by_role("heading", name="Sign in").wait_for()
    await visit.is_sound()
    async with _reporting(device):
        await visit.sign_in()
        await visit.shown_in_fleet(device)
        await visit.is_sound()
        pages = {
            "#/overview": ".figure[data-online]",
            f"#/devices/{device.uid}": _TEMPERATURE,
            "#/sites": f'[data-site="{site["id"]}"]',
            "#/releases/batches": f'[data-batch="{batch["id"]}"]',
            f"#/releases/batches/{batch['id']}": f'[data-device="{device.uid}"]',
            "#/map": ".world-box canvas",
            "#/firmware": "tbody tr",
            "#/alerts": f'tr:has-text("{rule["name"]}")',
            "#/alerts/rules": f'tr:has-text("{rule["name"]}")',
            "#/settings/account": "#password",
            **{f"#/settings/{name}": ".data-table" for name in ("people", "roles", "organizations")},
            **{f"#/settings/{name}": "#listed" for name in ("keys", "webhooks")},
        }
        for address, sign in pages.items():
            await visit.page.goto(f"{visit.origin}/{address}")
            await visit.page.locator(sign).first.wait_for()
            await visit.is_sound()
    (await people.delete(f"/api/v2/alert-rules/{rule_id}")).raise_for_status()
