"""The fleet in a browser: searched, chosen from and changed; a device's sides, the map, and the settings."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Locator, Route, expect

from .browsing import Device, Visit, now_ms

_MARKUP = '<img src="x" onerror="window.taken=1"><b>bold</b>'


def rows(visit: Visit) -> Locator:
    return visit.page.locator("tr[data-uid]")


async def search(visit: Visit, text: str) -> None:
    field = visit.page.get_by_label("Search the fleet")
    await field.fill(text)
    await field.press("Enter")


async def test_the_platform_finds_by_words_and_by_rql_and_says_where_a_query_is_wrong(
    visit: Visit, devices: Callable[..., Any]
):
    word = f"word{uuid4().hex[:8]}"
    pump, lamp = await devices(f"Pump {word}", device_type="pump"), await devices(f"Lamp {word}", device_type="lamp")
    visit.expected.append("/api/v2/devices")
    await visit.sign_in()
    await search(visit, f"{word} lamp")
    await expect(visit.row(lamp)).to_be_visible()
    await expect(rows(visit)).to_have_count(1)
    await search(visit, f'and(like(name,"*{word}"),eq(device_typ,"pump"))')
    problem = visit.page.locator(".query-problem")
    await expect(problem).to_contain_text("device_typ")
    await expect(problem).to_have_attribute("data-position", str(len(f'and(like(name,"*{word}"),eq(')))
    assert await visit.violations() == []
    await search(visit, f'and(like(name,"*{word}"),eq(device_type,"pump"))')
    await expect(visit.row(pump)).to_be_visible()
    await expect(rows(visit)).to_have_count(1)
    await visit.page.reload()
    await expect(rows(visit)).to_have_count(1)
    await visit.page.get_by_role("link", name="Clear all").click()
    await expect(visit.page.get_by_label("Search the fleet")).to_have_value("")


async def test_how_many_more_metrics_there_are_stands_beside_the_last_one_on_its_line(
    visits: Callable[..., Any], devices: Callable[..., Any]
):
    visit: Visit = await visits(viewport={"width": 1360, "height": 900})
    device = await devices("Weather station 23", device_type="weather-station")
    await device.connect()
    metrics = {"battery": 98.4, "humidity": 57.1, "temperature": 12.98, "wind_speed": 4.1, "rain": 0.2}
    await device.publish({"ts": now_ms(), "metrics": metrics})
    await visit.sign_in("#/fleet?search=Weather")
    await expect(visit.row(device).locator(".values .none")).to_have_text("+2")
    lines = (
        await visit.row(device)
        .locator(".values :is(.metric, .none)")
        .evaluate_all("parts => parts.map(part => Math.round(part.getBoundingClientRect().bottom))")
    )
    assert len(lines) == 4
    assert max(lines) - min(lines) <= 2
    await visit.page.set_viewport_size({"width": 390, "height": 844})
    await expect(visit.row(device).locator(".runs")).to_be_hidden()  # nothing is known of its firmware
    await visit.is_sound()


async def test_many_devices_are_counted_first_and_each_has_its_outcome(visit: Visit, devices: Callable[..., Any]):
    word = f"word{uuid4().hex[:8]}"
    chosen: list[Device] = [await devices(f"{_MARKUP} {word} {place}") for place in range(2)]
    await visit.sign_in(f"#/fleet?search={word}")
    await expect(rows(visit)).to_have_count(2)
    await visit.page.get_by_label("Choose all that are shown").check()
    await visit.page.get_by_role("button", name="Ask for an action").click()
    await expect(visit.page.locator(".preview")).to_have_attribute("data-count", "2")
    await visit.is_sound()
    await visit.page.get_by_role("button", name="Ask 2 devices").click()
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("Restart: 2 devices")
    outcome = visit.page.locator(".action-list > li")
    await expect(outcome).to_have_count(2)
    await outcome.filter(has=visit.page.locator(f'a[href$="{chosen[0].uid}"]')).get_by_role("button").click()
    await visit.page.get_by_role("button", name="Cancel it").click()
    await expect(visit.page.locator('.action-list > li[data-state="cancelled"]')).to_have_count(1)
    await expect(visit.page.locator(".tally")).to_have_attribute("data-cancelled", "1")
    await visit.is_sound()
    assert await visit.page.evaluate("() => window.taken") is None


async def test_a_device_is_set_and_asked_and_its_log_says_who_did_it(
    visit: Visit, devices: Callable[..., Any], people: httpx.AsyncClient
):
    device = await devices("Boiler")
    await visit.sign_in(f"#/devices/{device.uid}/configuration")
    desired = visit.page.get_by_label("All of it, as JSON")
    await desired.fill('{"mode": "fast"}')
    await visit.page.get_by_role("button", name="Set the device").click()
    await expect(visit.page.locator('tr[data-member="mode"]')).to_contain_text("fast")
    await expect(desired).to_have_value('{\n  "mode": "fast"\n}')  # what was written is done with
    await expect(visit.page.get_by_text("The device has not reported how it is set.")).to_be_visible()
    await desired.fill("[1]")
    answer = await people.put(f"/api/v2/devices/{device.uid}/configuration", json={"desired": {"mode": "slow"}})
    assert answer.status_code == 200
    await expect(visit.page.get_by_text("Somebody has changed it meanwhile")).to_be_visible()
    await expect(desired).to_have_value("[1]")
    await visit.page.get_by_role("button", name="Set the device").click()
    await expect(visit.page.get_by_role("alert").filter(has_text="JSON object")).to_be_visible()
    await visit.is_sound()
    await visit.page.get_by_role("link", name="Actions", exact=True).click()
    await visit.page.get_by_role("button", name="Ask for it").click()
    await expect(visit.page.locator(".action-list > li")).to_have_count(3)
    await visit.is_sound()
    await visit.page.get_by_role("link", name="Log", exact=True).click()
    await expect(visit.page.locator('[data-audit="configured"]').last).to_contain_text(visit.admin["email"])
    await visit.is_sound()


async def test_the_map_shows_where_devices_are_and_follows_those_that_move(visit: Visit, devices: Callable[..., Any]):
    written = await devices(f"{_MARKUP} depot", attributes={"position": {"latitude": 53.5, "longitude": 10.0}})
    moving = await devices("Truck")
    await moving.connect()
    await moving.publish({"ts": now_ms(), "metrics": {"latitude": 48.1, "longitude": 11.6, "note": _MARKUP}})
    await visit.sign_in("#/map")
    places = visit.page.locator(".gazetteer li")
    await expect(places.filter(has_text="Truck").first).to_be_visible()
    await places.filter(has_text="depot").first.get_by_role("button").click()
    await expect(visit.page.locator(f'.device-card[data-uid="{written.uid}"]')).to_be_visible()
    await places.filter(has_text="Truck").first.get_by_role("button").click()
    await expect(visit.page.locator(".device-card")).to_contain_text(_MARKUP)
    await expect(visit.page.locator(".world-box canvas")).to_be_visible()
    await visit.is_sound()
    assert await visit.page.evaluate("() => window.taken") is None


async def test_the_map_of_an_organization_without_devices_says_so_and_what_to_do(
    visit: Visit, people: httpx.AsyncClient
):
    slug = f"new-{uuid4().hex[:8]}"
    made = await people.post("/api/v2/organizations", json={"slug": slug, "name": "New"})
    organization = made.raise_for_status().json()["id"]
    person = {"email": f"{slug}@muster.example", "name": "Eve", "password": uuid4().hex, "roles": ["administrator"]}
    added = await people.post("/api/v2/users", params={"organization_id": organization}, json=person)
    added.raise_for_status()
    visit.admin = {"email": str(person["email"]), "password": str(person["password"])}
    await visit.sign_in("#/map")
    await expect(visit.page.get_by_text("Nobody knows where a device is")).to_be_visible()
    await visit.is_sound()
    await visit.page.get_by_role("link", name="Go to the fleet").click()
    await expect(visit.page.get_by_text("muster simulate --devices 25")).to_be_visible()


async def test_a_key_is_shown_once_and_a_webhook_tells_of_its_deliveries(visit: Visit):
    name = f"report-{uuid4().hex[:8]}-{'x' * 150}"
    await visit.sign_in("#/settings/keys")
    await visit.page.get_by_role("button", name="New key").click()
    await visit.page.get_by_label("Name").fill(name)
    await visit.page.get_by_role("button", name="Make the key").click()
    secret = await visit.page.get_by_label("Secret").input_value()
    assert secret.startswith("muster_")
    await visit.page.get_by_role("button", name="Copy").click()
    await expect(visit.page.get_by_text(re.compile(r"^(Copied\.|It is selected: copy it)"))).to_be_visible()
    await visit.is_sound()
    await visit.page.get_by_role("button", name="I have it").click()
    await expect(visit.page.get_by_text(name)).to_be_visible()
    assert secret not in await visit.page.content()
    await expect(visit.page.get_by_role("button", name=f"Revoke {name}")).to_be_in_viewport(ratio=1)
    await visit.page.get_by_role("button", name=f"Revoke {name}").click()
    await visit.page.get_by_role("button", name="Revoke", exact=True).click()
    await expect(visit.page.get_by_role("row", name=name)).to_contain_text("revoked")

    await visit.page.get_by_role("link", name="Webhooks").click()
    await visit.page.get_by_role("button", name="New webhook").click()
    await visit.page.get_by_label("Address").fill(f"http://127.0.0.1:9/{name}")
    await visit.page.get_by_role("button", name="Create", exact=True).click()
    await visit.page.get_by_role("button", name="I have it").click()
    await visit.page.get_by_role("link", name=f"Deliveries to http://127.0.0.1:9/{name}").click()
    await visit.page.get_by_role("button", name="Send a test").click()
    await expect(visit.page.locator("[data-delivery]").first).to_be_visible()
    await visit.is_sound()


async def test_a_key_whose_answer_was_lost_is_made_once(visit: Visit):
    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    name = f"report-{uuid4().hex[:8]}"
    await visit.sign_in("#/settings/keys")
    visit.expected.append("/api/v2/api-keys")
    await visit.page.route("**/api/v2/api-keys", lose, times=1)
    await visit.page.get_by_role("button", name="New key").click()
    await visit.page.get_by_label("Name").fill(name)
    await visit.page.get_by_role("button", name="Make the key").click()
    await expect(visit.page.get_by_text("Muster cannot be reached.")).to_be_visible()
    await visit.page.get_by_role("button", name="Make the key").click()
    assert (await visit.page.get_by_label("Secret").input_value()).startswith("muster_")
    await visit.page.get_by_role("button", name="I have it").click()
    await expect(visit.page.get_by_role("row", name=name)).to_have_count(1)


async def test_what_the_settings_do_not_take_is_said_in_words(visit: Visit):
    await visit.sign_in("#/settings/roles")
    await visit.page.get_by_role("button", name="New role").click()
    name = visit.page.get_by_role("textbox", name="Name", exact=True)
    for written, wrong in (("Night Watch", True), ("1st", True), ("night-watch_2", False)):
        await name.fill(written)
        assert await name.evaluate("field => field.validity.patternMismatch") is wrong
    await expect(visit.page.get_by_text("Lower-case letters, digits, - and _")).to_be_visible()
    await visit.page.keyboard.press("Escape")
    await visit.page.get_by_role("link", name="Account").click()
    await visit.page.get_by_label("The one you have").fill("not-this-one")
    await visit.page.get_by_label("The new one").fill("another-password")
    visit.expected.append("/api/v2/auth/password")
    await visit.page.get_by_role("button", name="Change it").click()
    await expect(visit.page.get_by_text("The password that you have is another one.")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1360), ("light", 390)])
async def test_every_page_of_the_fleet_and_the_settings_is_accessible_and_fits(
    visits: Callable[..., Any], devices: Callable[..., Any], scheme: str, width: int
):
    device = await devices("Pump 1", attributes={"lat": 53.5, "lon": 10.0})
    visit: Visit = await visits(color_scheme=scheme, viewport={"width": width, "height": 844})
    await visit.sign_in("#/overview")
    pages = {
        "#/overview": ".figure[data-online]",
        f"#/fleet?search={device.uid}": f'tr[data-uid="{device.uid}"]',
        f"#/devices/{device.uid}/actions": "#ask",
        f"#/devices/{device.uid}/configuration": "#desired",
        f"#/devices/{device.uid}/log": ".audit li",
        "#/map": ".world-box canvas",
        "#/firmware": "h1",
        "#/alerts": "h1",
        "#/alerts/rules": "h1",
        "#/settings/account": "#password",
        "#/settings/people": ".data-table",
        "#/settings/roles": ".data-table",
        "#/settings/keys": "#listed",
        "#/settings/webhooks": "#listed",
        "#/settings/organizations": ".data-table",
        "#/nowhere": "h2",
    }
    for address, sign in pages.items():
        await visit.page.goto(f"{visit.origin}/{address}")
        await visit.page.locator(sign).first.wait_for()
        await expect(visit.page.locator(".waiting")).to_have_count(0)
        await visit.is_sound()
    if width < 600:
        menu = visit.page.get_by_role("button", name="Menu")
        await menu.click()
        await expect(visit.page.get_by_role("link", name="Settings")).to_be_visible()
        await visit.is_sound()
        await visit.page.keyboard.press("Escape")
        await expect(menu).to_be_focused()
